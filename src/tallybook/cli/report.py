"""`tallybook report`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from tallybook.cli import offers
from tallybook.cli.asking import WHERE
from tallybook.cli.run import FILE, common, note, org_option, time_options
from tallybook.query.spoken import words

FORMS = ("html", "pdf", "png")


@click.command(
    epilog="""\b
Examples:
  tallybook report -o month.html
  tallybook report -o quarter.html --period 2026-Q3
  tallybook report -o research.html --last 90d --where project=Research
  tallybook report -o month.pdf --with-people
"""
)
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Where to: FILE.html, FILE.pdf or FILE.png.")
@partial(time_options, default="--period last-month")
@click.option("--where", multiple=True, metavar="DIM=VALUE", help=WHERE, shell_complete=offers.conditions)
@org_option
@click.option("--with-people", is_flag=True, help="With users, service accounts and keys, by name.")
@click.option("--format", "form", type=click.Choice(FORMS), help="html, pdf or png.  [default: as FILE says]")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.option("--strict", is_flag=True, help="Exit with 1 if anything of the range is not held.")
@common
def report(
    output: str | None, where: tuple[str, ...], orgs: tuple[str, ...], with_people: bool, form: str | None,
    force: bool, strict: bool, book: str | None, config: str | None, **time: str | None,
) -> int:  # fmt: skip
    """Write a report: the dashboard of a period as one HTML file.

    The file needs no server and no network, and still filters, groups and zooms. It names no users and no keys
    without --with-people. PDF and PNG are printed by a Chromium, Chrome or Edge of this machine.
    """
    import tallybook
    from tallybook.show.export.files import new_files, refuse_existing
    from tallybook.web.chromium import browser, printed
    from tallybook.web.report import report as made

    if output is None:
        raise click.UsageError("A report goes to a file: add -o FILE.html, FILE.pdf or FILE.png.")
    path = Path(output).expanduser()
    form = form or path.suffix[1:].lower()
    if form not in FORMS:
        raise click.UsageError(f"A report is html, pdf or png; the suffix of {path} is none of them. Add --format.")
    refuse_existing(path, force=force)
    if form != "html":
        browser()  # what is missing is said before anything is asked
    with tallybook.open(book, config=config) as opened:
        found = made(opened, time=time, where=where, orgs=words(orgs), people=with_people)
    content = found.page if form == "html" else printed(found.page, form)
    with new_files(path, force=force) as files, files.put(path) as out:
        out.write(content)
    if found.lacks:
        note(f"Incomplete: {found.lacks}")
    click.echo(str(path))
    return 1 if strict and found.lacks else 0
