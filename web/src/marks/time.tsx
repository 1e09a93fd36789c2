/** Charts over time: `stack` where parts add up, `line` where they do not. */
import { useState } from "preact/hooks";
import { TimeChart } from "../chart/chart";
import { currencies } from "../chart/series";
import { chooses, hue, title } from "../labels";
import { all, filter } from "../state";
import type { Dense } from "../types";
import type { MarkProps } from "./mark";

const HEIGHT = { wide: 340, full: 300, half: 240, third: 220 };

const isEmpty = (dense: Dense): boolean =>
  dense.groups.length === 0 ||
  dense.metrics.every((m) => (dense.values[m.name] ?? []).every((row) => row.every((v) => v === null)));

function Time({ panel, board, stacked }: MarkProps & { stacked: boolean }) {
  const dense = panel.data as Dense;
  const found = currencies(dense, dense.metrics[0]!.name);
  const [picked, pick] = useState<string | null>(null);
  const currency = found.length ? (found.find((c) => c === picked) ?? found[0]!) : null;
  if (isEmpty(dense)) return <p class="nothing">Nothing in this range.</p>;
  return (
    <>
      {found.length > 1 && (
        <div class="switch" role="group" aria-label="Currency">
          {found.map((code) => (
            <button key={code} type="button" aria-pressed={code === currency} onClick={() => pick(code)}>
              {code.toUpperCase()}
            </button>
          ))}
        </div>
      )}
      <TimeChart
        name={panel.title}
        dense={dense}
        currency={currency}
        stacked={stacked}
        height={HEIGHT[panel.width]}
        tz={dense.query.tz ?? board.state.tz}
        notes={board.notes}
        before={board.state.compare !== null}
        zooms={dense.query.grain !== "total"}
      />
      {(dense.metrics.length > 1 || dense.groups.length > 1) && <Legend dense={dense} currency={currency} />}
    </>
  );
}

const LISTED = 14;

/** Each entry is a filter. */
function Legend({ dense, currency }: { dense: Dense; currency: string | null }) {
  if (dense.metrics.length > 1 && dense.groups.length === 1)
    return (
      <ul class="legend">
        {dense.metrics.map((m, i) => (
          <li key={m.name}>
            <i class="dot" style={{ background: hue({ color: i, word: null }) }} />{" "}
            {m.title ?? m.name.replaceAll("_", " ")}
          </li>
        ))}
      </ul>
    );
  const now = all("where");
  const groups = dense.groups.filter((g) => !currency || g.currency === currency);
  return (
    <ul class="legend">
      {groups.slice(0, LISTED).map((group, i) => {
        const texts = chooses(group, dense.query.by);
        const entry = (
          <>
            <i class="dot" style={{ background: hue(group, i) }} /> <bdi>{title(group)}</bdi>
          </>
        );
        return (
          <li key={group.key.join()}>
            {texts ? (
              <button
                type="button"
                title={`Filter: ${title(group)}`}
                aria-pressed={texts.every((t) => now.includes(t))}
                onClick={() => filter(texts)}
              >
                {entry}
              </button>
            ) : (
              <span>{entry}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

export const Stack = (props: MarkProps) => <Time {...props} stacked />;
export const Line = (props: MarkProps) => <Time {...props} stacked={false} />;
