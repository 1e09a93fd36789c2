/** A panel: its title, what its numbers are, and its mark; one that failed says why and leaves the others alone. */
import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { isDense } from "../labels";
import { source } from "../load";
import { MARKS } from "../marks";
import { go } from "../state";
import type { Board, Panel as Data } from "../types";
import { Noting } from "./noting";

/** The panel whose title chooses what to group by: the first that follows the state. */
export const leads = (panel: Data, board: Board): boolean =>
  panel.id === board.panels.find((p) => p.id === "main" && (p.mark === "stack" || p.mark === "line"))?.id;

export function Panel({ panel, board, span }: { panel: Data; board: Board; span: number }) {
  const [failed] = useErrorBoundary();
  const Mark = MARKS[panel.mark];
  const bare = panel.mark === "kpi" && panel.width === "full";
  const id = `panel-${panel.id}`;
  let body: ComponentChildren;
  if (failed) body = <Failed title="This panel could not be drawn" detail={String(failed)} />;
  else if (panel.problem) body = <Failed title={panel.problem.title} detail={panel.problem.detail} />;
  else if (!Mark) body = <Failed title={`This page knows no mark ${panel.mark}`} detail="Reload it." />;
  else if (panel.data === null || panel.data === undefined) body = <p class="nothing">Nothing in this range.</p>;
  else body = <Mark panel={panel} board={board} />;
  return (
    <section class={`panel span-${span} mark-${panel.mark} ${bare ? "bare" : ""}`} aria-labelledby={id}>
      <Head {...{ panel, board, id, bare }} />
      <div class="panel-body">{body}</div>
    </section>
  );
}

function Head({ panel, board, id, bare }: { panel: Data; board: Board; id: string; bare: boolean }) {
  if (bare)
    return (
      <h2 class="unseen" id={id}>
        {panel.title}
      </h2>
    );
  const dense = isDense(panel.data) ? panel.data : null;
  return (
    <div class="panel-head">
      <h2 id={id}>{leads(panel, board) ? <Leading {...{ panel, board }} /> : panel.title}</h2>
      {panel.says && <span class="soft">{panel.says}</span>}
      {dense && !dense.coverage.complete && (
        <span class="badge" title={dense.coverage.text}>
          incomplete
        </span>
      )}
      {leads(panel, board) && source().live && <Noting board={board} />}
    </div>
  );
}

function Leading({ panel, board }: { panel: Data; board: Board }) {
  const metric = isDense(panel.data) ? panel.data.metrics[0]?.name : board.state.metric[0];
  const title = board.choices.metrics.find((m) => m.name === metric)?.title ?? panel.title.replace(/ by .*/, "");
  const now = board.state.by.join(",");
  const known = board.choices.by.some((d) => d.name === now);
  return (
    <>
      {title} by{" "}
      <select class="group-by" aria-label="Group by" value={now} onChange={(e) => go({ by: e.currentTarget.value })}>
        {!known && <option value={now}>{board.state.by.join(", ") || "nothing"}</option>}
        {board.choices.by.map((d) => (
          <option key={d.name} value={d.name} disabled={d.ok === false} title={d.why ?? undefined}>
            {d.title ?? d.name}
          </option>
        ))}
      </select>
    </>
  );
}

function Failed({ title, detail }: { title: string; detail?: string | undefined }) {
  return (
    <div class="failed" role="note">
      <strong>{title}</strong>
      {detail && <p>{detail}</p>}
    </div>
  );
}
