/** The page. */
import { Patterns } from "../chart/overlay";
import { board, load, problem, slow } from "../load";
import { isDense } from "../labels";
import { all, type Changes, go, href, RANGE } from "../state";
import type { Board, Problem } from "../types";
import { Bar } from "./bar";
import { Header } from "./header";
import { Help } from "./help";
import { Panel } from "./panel";

export function App() {
  const now = board.value;
  return (
    <>
      <Header />
      {now && <Tabs board={now} />}
      <main id="numbers" tabIndex={-1}>
        {!now?.empty && <h1 class="unseen">{now?.tabs.find((t) => t.id === now.tab)?.title ?? "tallybook"}</h1>}
        {now && !now.empty && <Bar />}
        {problem.value && <Trouble problem={problem.value} stale={now !== null} />}
        {now?.empty && <Empty empty={now.empty} />}
        {now && !now.empty && (same(now) ? <Trouble problem={same(now)!} /> : <Panels board={now} />)}
        {!now && !problem.value && <Skeleton />}
      </main>
      <Help />
      <Patterns />
    </>
  );
}

/** Another tab asks for what is its own; range and filters stay. */
const to = (tab: string): Changes => ({ tab, metric: null, by: null });

function Tabs({ board: now }: { board: Board }) {
  return (
    <nav class="tabs" aria-label="Pages">
      {now.tabs.map((tab) => (
        <a
          key={tab.id}
          href={href(to(tab.id))}
          aria-current={tab.id === now.tab ? "page" : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            go(to(tab.id));
            scrollTo({ top: 0 });
          }}
        >
          {tab.title}
        </a>
      ))}
    </nav>
  );
}

/** What is wrong with every panel alike, so that it is said once. */
function same(now: Board): Problem | null {
  const [first, ...others] = now.panels.map((panel) => panel.problem);
  return first && others.every((each) => each?.title === first.title) ? first : null;
}

/** Where nothing at all matches, what to do about it. */
function Hint({ board: now }: { board: Board }) {
  const answers = now.panels.map((panel) => panel.data).filter(isDense);
  const grouped = answers.filter((dense) => dense.query.by.length > 0);
  if (!grouped.length || grouped.some((dense) => dense.groups.length > 0)) return null;
  return (
    <p class="hint">
      Nothing in this range{now.state.where.length > 0 ? " with these filters" : ""}.
      {now.state.where.length > 0 && (
        <button class="button" type="button" onClick={() => go({ where: null })}>
          Clear the filters
        </button>
      )}
      <button class="button" type="button" onClick={() => go({ ...RANGE, last: "91d" })}>
        Show 91 days
      </button>
    </p>
  );
}

const COLUMNS: Record<string, number> = { third: 2, half: 3, wide: 4, full: 6 };

/** How many of six columns each panel takes: the last of a row takes what is left of it. */
function widths(wanted: number[]): number[] {
  const out: number[] = [];
  let used = 0;
  for (const each of wanted) {
    if (used + each > 6) {
      out[out.length - 1]! += 6 - used;
      used = 0;
    }
    out.push(each);
    used = (used + each) % 6;
  }
  if (used > 0) out[out.length - 1]! += 6 - used;
  return out;
}

function Panels({ board: now }: { board: Board }) {
  const spans = widths(now.panels.map((panel) => COLUMNS[panel.width] ?? 6));
  return (
    <div class={`panels ${slow.value ? "slow" : ""}`} aria-busy={slow.value}>
      <p class="words">
        <span>{now.state.words}</span>
        <Says board={now} />
      </p>
      <Hint board={now} />
      {now.panels.map((panel, i) => (
        <Panel key={`${now.tab}/${panel.id}`} panel={panel} board={now} span={spans[i]!} />
      ))}
    </div>
  );
}

/** What the numbers rest on, once for the page. */
function Says({ board: now }: { board: Board }) {
  const dense = now.panels.map(
    (p) => p.data as { coverage?: { complete: boolean; text: string }; comparison?: string | null } | null,
  );
  const lacking = dense.find((d) => d?.coverage?.complete === false);
  const compared = dense.find((d) => d?.comparison)?.comparison;
  return (
    <>
      {compared && now.state.compare && <span class="soft">{compared}</span>}
      {lacking && <span class="lacking">{lacking.coverage!.text}</span>}
    </>
  );
}

function Trouble({ problem: what, stale = false }: { problem: Problem; stale?: boolean }) {
  return (
    <div class="trouble" role="alert">
      <strong>{what.title}</strong>
      {what.detail && <p>{what.detail}</p>}
      <Nearest of={what.nearest ?? []} />
      <div class="trouble-do">
        <button class="button" type="button" onClick={() => void load()}>
          Try again
        </button>
        {all("where").length > 0 && (
          <button class="button" type="button" onClick={() => go({ where: null })}>
            Clear the filters
          </button>
        )}
        <a class="button" href="?">
          Start afresh
        </a>
      </div>
      {stale && <p class="soft">What is below is from before.</p>}
    </div>
  );
}

/** What was perhaps meant, or what to run. */
function Nearest({ of }: { of: string[] }) {
  if (!of.length) return null;
  if (of.every((each) => each.startsWith("tallybook ")))
    return (
      <p>
        Run <code>{of.join(", ")}</code>.
      </p>
    );
  return <p>Nearest: {of.join(", ")}.</p>;
}

function Empty({ empty }: { empty: NonNullable<Board["empty"]> }) {
  return (
    <div class="empty">
      <h1>{empty.title}</h1>
      <p>{empty.text}</p>
      {empty.command && (
        <p class="command">
          <code>{empty.command}</code>
          <button class="button" type="button" onClick={() => void navigator.clipboard.writeText(empty.command!)}>
            Copy
          </button>
        </p>
      )}
    </div>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" aria-label="Loading" role="status">
      <div class="cards">
        {[1, 2, 3, 4, 5].map((i) => (
          <div key={i} class="card" />
        ))}
      </div>
      <div class="panel" />
    </div>
  );
}
