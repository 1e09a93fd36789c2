/** Rows with sorting, search and a link to the exact CSV. What is not all here is sorted and searched by the server. */
import { useEffect, useState } from "preact/hooks";
import { exact, headline, isMoney, isShare, listed, num } from "../format";
import { source } from "../load";
import { filter } from "../state";
import type { Table as Data, Value } from "../types";
import type { MarkProps } from "./mark";

interface Sort {
  column: string;
  up: boolean;
}

const PAGE = 50;
/** So many rows need no search. */
const FEW = 6;
const PAUSE = 200;

const collator = new Intl.Collator("en", { numeric: true });

function compare(a: Value | undefined, b: Value | undefined, number: boolean): number {
  if (a == null || b == null) return Number(b != null) - Number(a != null);
  return number ? num(a)! - num(b)! : collator.compare(String(a), String(b));
}

function local(data: Data, sort: Sort | null, search: string): Value[][] {
  const wanted = search.trim().toLowerCase();
  const rows = wanted
    ? data.rows.filter((row) =>
        row.some((v) =>
          String(v ?? "")
            .toLowerCase()
            .includes(wanted),
        ),
      )
    : data.rows;
  const column = data.columns.findIndex((c) => c.name === sort?.column);
  if (!sort || column < 0) return rows;
  const number = data.columns[column]!.unit !== null;
  return [...rows].sort((a, b) => compare(a[column], b[column], number) * (sort.up ? 1 : -1));
}

/** The rows to show: sorted here where all are here, else asked for. */
function useRows(data: Data, query: string, sort: Sort | null, search: string): { rows: Value[][]; total: number } {
  const whole = data.rows.length >= data.total || !source().live;
  const [asked, setAsked] = useState<Data | null>(null);
  useEffect(() => {
    setAsked(null);
    if (whole || (!sort && !search.trim())) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const words = new URLSearchParams(query);
      if (sort) words.set("sort", `${sort.up ? "" : "-"}${sort.column}`);
      if (search.trim()) words.set("search", search.trim());
      source()
        .table(words.toString(), stop.signal)
        .then(setAsked)
        .catch(() => undefined);
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [data, query, sort, search, whole]);
  if (whole) {
    const rows = local(data, sort, search);
    return { rows, total: rows.length };
  }
  return asked ?? data;
}

export function Table({ panel }: MarkProps) {
  const data = panel.data as Data;
  const [sort, setSort] = useState<Sort | null>(null);
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(PAGE);
  const { rows, total } = useRows(data, panel.query ?? "", sort, search);
  const csv = panel.query ? source().download("csv", panel.query) : null;
  const turn = (name: string, number: boolean) =>
    setSort(sort?.column === name ? { column: name, up: !sort.up } : { column: name, up: !number });
  return (
    <>
      <div class="table-tools" hidden={data.total === 0}>
        <span class="soft">
          {total.toLocaleString("en")} {total === 1 ? "row" : "rows"}
        </span>
        {data.total > FEW && (
          <input
            class="search"
            type="search"
            placeholder="Search rows  /"
            aria-label={`Search ${panel.title}`}
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        )}
        {csv && (
          <a class="button" href={csv} download>
            CSV
          </a>
        )}
      </div>
      {rows.length === 0 ? (
        <p class="nothing">{search ? "No row matches." : panel.query ? "Nothing in this range." : "Nothing yet."}</p>
      ) : (
        <Rows {...{ data, rows: rows.slice(0, shown), total, sort, turn, name: panel.title }} />
      )}
      {rows.length > shown && (
        <button class="more" type="button" onClick={() => setShown(shown + PAGE * 4)}>
          Show more
        </button>
      )}
      {shown >= rows.length && rows.length < total && (
        <p class="soft after">
          The first {rows.length.toLocaleString("en")} of {total.toLocaleString("en")} rows; the CSV has all.
        </p>
      )}
    </>
  );
}

/** Whether a cell can be filtered by: Other and most words in brackets cannot. */
const filters = (value: Value | undefined): boolean =>
  value != null && value !== "Other" && (value === "(none)" || !/^\(.*\)$/.test(String(value)));

interface RowsProps {
  data: Data;
  rows: Value[][];
  total: number;
  sort: Sort | null;
  turn: (name: string, number: boolean) => void;
  name: string;
}

function Rows({ data, rows, total, sort, turn, name }: RowsProps) {
  const currencyAt = data.columns.findIndex((c) => c.name === "currency");
  const says = data.columns.map((c, i) =>
    c.unit === null
      ? null
      : listed(
          c.unit,
          data.rows.map((r) => r[i]),
        ),
  );
  const mixed = currencyAt >= 0 && new Set(data.rows.map((r) => r[currencyAt])).size > 1;
  const barAt = mixed
    ? -1
    : data.columns.findIndex((c) => c.unit !== null && !c.unit.includes("/") && !isShare(c.unit));
  const most = Math.max(0, ...data.rows.map((r) => num(r[barAt]) ?? 0));
  const bar = (value: Value | undefined) => {
    const part = (Math.max(0, num(value) ?? 0) / (most || 1)) * 100;
    const fill = `linear-gradient(to left, var(--accent-soft) ${part}%, transparent ${part}%)`;
    return { background: `${fill} right / min(180px, 100%) 100% no-repeat` };
  };
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={`${name}, rows`}>
      <table class="rows" aria-rowcount={total + 1}>
        <thead>
          <tr>
            {data.columns.map((c) => (
              <th
                key={c.name}
                scope="col"
                class={c.unit === null ? "" : "number"}
                aria-sort={sort?.column === c.name ? (sort.up ? "ascending" : "descending") : undefined}
              >
                <button type="button" onClick={() => turn(c.name, c.unit !== null)}>
                  {c.title}
                  <span aria-hidden="true">{sort?.column === c.name ? (sort.up ? " ↑" : " ↓") : ""}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={r}>
              {data.columns.map((c, i) => {
                const value = row[i];
                const currency = currencyAt < 0 ? null : (row[currencyAt] as string | null);
                if (c.unit === null)
                  return (
                    <td key={c.name} title={value == null ? undefined : String(value)}>
                      {c.dimension && filters(value) ? (
                        <button class="cell" type="button" onClick={() => filter([`${c.name}=${value}`])}>
                          <bdi>{value}</bdi>
                        </button>
                      ) : (
                        <bdi>{value ?? "—"}</bdi>
                      )}
                    </td>
                  );
                return (
                  <td
                    key={c.name}
                    class={i === barAt ? "number bar" : "number"}
                    style={i === barAt && most > 0 ? bar(value) : undefined}
                    title={exact(c.unit, value, currency)}
                  >
                    {(isMoney(c.unit) ? says[i]! : (says[i] ?? headline(c.unit)))(value, currency)}
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
