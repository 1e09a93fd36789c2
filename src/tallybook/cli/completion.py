"""`tallybook completion`: what a shell needs to complete command lines, and what it then asks for."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

from tallybook.cli import COMMANDS, COMPLETE

SHELLS = ("bash", "zsh", "fish")


@add_completion_class
class _Bash(BashComplete):
    """Bash, without a blank behind a name for which a value is to follow."""

    source_template = BashComplete.source_template.replace(
        "    return 0\n", "    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n    return 0\n"
    )


class _Whole(click.Group):
    """The command line as a whole, which knows its commands by name and loads one when it is typed."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002
        """Return a command; where there is none of that name, one behind which nothing can follow."""
        from tallybook.cli.run import command

        return command(cmd_name) if cmd_name in COMMANDS else click.Command(cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Offer the commands; the options of `tallybook` alone where one is begun."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=about) for name, about in COMMANDS.items() if name.startswith(incomplete)]


def complete(asked: str) -> int:
    """Answer a shell's script that asks how a command line may go on, such as `bash_complete`."""
    from click.shell_completion import shell_complete

    from tallybook.cli.glance import glance

    version = click.Option(["--version"], is_flag=True, help="Show the version.")
    return shell_complete(_Whole("tallybook", params=[*glance.params, version]), {}, "tallybook", COMPLETE, asked)


@click.command(
    epilog="""\b
Examples:
  tallybook completion bash
  tallybook completion zsh
  tallybook completion fish
"""
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.help_option("-h", "--help")
def completion(shell: str) -> None:
    r"""Print the script that lets SHELL (bash, zsh or fish) complete command lines.

    It completes commands, options, metrics, dimensions, datasets, grains, periods, zones and names of files.

    \b
    To try it:        eval "$(tallybook completion bash)"   (or zsh)
                      tallybook completion fish | source
    To keep it, write it to
      bash  ~/.local/share/bash-completion/completions/tallybook
      zsh   a file _tallybook in a folder of $fpath
      fish  ~/.config/fish/completions/tallybook.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - a test runs each
    click.echo(found(click.Command("tallybook"), {}, "tallybook", COMPLETE).source(), nl=False)
