/** A map: days of what is held by dataset, or a metric by weekday and hour. */
import { exact, listed, num } from "../format";
import { isDense } from "../labels";
import type { Dense } from "../types";
import type { MarkProps } from "./mark";
import { type Held, MapOfDays } from "./held";

export function Heat({ panel }: MarkProps) {
  return isDense(panel.data) ? <Grid dense={panel.data} name={panel.title} /> : <MapOfDays held={panel.data as Held} />;
}

const SHADES = 5;

function axes(dense: Dense): [string[], string[]] {
  const seen = [new Set<string>(), new Set<string>()];
  for (const group of dense.groups) [0, 1].forEach((i) => seen[i]!.add(group.label[i] ?? ""));
  const [rows, columns] = seen.map((s) => [...s]) as [string[], string[]];
  const week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
  const place = (text: string) => (week.includes(text) ? week.indexOf(text) : Number(text));
  const order = (a: string, b: string) => {
    const [x, y] = [place(a), place(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  return [rows.sort(order), columns.sort(order)];
}

function Grid({ dense, name }: { dense: Dense; name: string }) {
  const metric = dense.metrics[0]!;
  const values = dense.overall[metric.name] ?? [];
  const cells = new Map(
    dense.groups.map((g, i) => [g.label.slice(0, 2).join("\n"), { value: values[i] ?? null, group: g }]),
  );
  const [rows, columns] = axes(dense);
  const most = Math.max(...values.map((v) => Math.abs(num(v) ?? 0))) || 1;
  const say = listed(metric.unit, values);
  if (!rows.length) return <p class="nothing">Nothing in this range.</p>;
  return (
    <div class="scroll">
      <table class="heat" aria-label={name}>
        <thead>
          <tr>
            <td />
            {columns.map((c) => (
              <th key={c} scope="col">
                {c}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r}>
              <th scope="row">{r}</th>
              {columns.map((c) => {
                const cell = cells.get(`${r}\n${c}`);
                const shade = Math.ceil((Math.abs(num(cell?.value) ?? 0) / most) * SHADES);
                const text = `${r} ${c}: ${cell ? exact(metric.unit, cell.value, cell.group.currency) : "nothing"}`;
                return (
                  <td key={c} class={`shade-${shade}`} title={text}>
                    <span class="unseen">{cell ? say(cell.value, cell.group.currency) : "nothing"}</span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
