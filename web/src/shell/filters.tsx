/** Filters: chips that can be removed, and a menu that adds one by its dimension and value. */
import { useEffect, useState } from "preact/hooks";
import { called, hue, isCalled, remember } from "../labels";
import { board, source } from "../load";
import { all, filter, go, parts, words } from "../state";
import type { Option } from "../types";
import { Menu } from "./menu";

const dimension = (name: string): string => board.value?.choices.by.find((d) => d.name === name)?.title ?? name;

/** Ask what ids are called that no answer has named: those that are left out are in none. */
function useNames(texts: string[]): void {
  const [, again] = useState(0);
  const nameless = texts.map(parts).filter(({ name, value }) => !isCalled(name, value) && !value.includes("*"));
  const wanted = [...new Set(nameless.map(({ name }) => name))].join();
  useEffect(() => {
    for (const name of wanted ? wanted.split(",") : [])
      source()
        .options(name, "")
        .then((found) => {
          for (const option of found) remember(name, option.id, option.label);
          again((n) => n + 1);
        })
        .catch(() => undefined); // then the id stands there
  }, [wanted]);
}

export function Chips() {
  const texts = all("where");
  useNames(texts);
  if (!texts.length) return null;
  return (
    <ul class="chips" aria-label="Filters">
      {texts.map((text) => {
        const { name, not, value } = parts(text);
        const label = called(name, value);
        return (
          <li key={text} class="chip">
            <span class="chip-text" title={label}>
              {dimension(name)} {not ? "is not" : "is"} <bdi>{label}</bdi>
            </span>
            <button type="button" aria-label={`Remove ${dimension(name)} ${label}`} onClick={() => filter([text])}>
              ×
            </button>
          </li>
        );
      })}
      <li>
        <button class="plain" type="button" onClick={() => go({ where: null })}>
          Clear
        </button>
      </li>
    </ul>
  );
}

export function AddFilter() {
  return (
    <Menu label="+ Filter" kind="button filter-button">
      {(close) => <Choose close={close} />}
    </Menu>
  );
}

function Choose({ close }: { close: () => void }) {
  const [by, setBy] = useState<string | null>(null);
  const offered = (board.value?.choices.by ?? []).filter((d) => d.ok !== false);
  if (by === null)
    return (
      <ul class="menu-list">
        {offered.map((d) => (
          <li key={d.name}>
            <button type="button" onClick={() => setBy(d.name)}>
              {d.title ?? d.name}
            </button>
          </li>
        ))}
      </ul>
    );
  return <Values by={by} close={close} />;
}

/** The state without the filters of a dimension, so that its other values can be chosen, too. */
function without(name: string): string {
  const asked = new URLSearchParams(words.peek());
  const kept = asked.getAll("where").filter((text) => parts(text).name !== name);
  asked.delete("where");
  for (const text of kept) asked.append("where", text);
  return asked.toString();
}

const SHOWN = 100;

function Values({ by, close }: { by: string; close: () => void }) {
  const [options, setOptions] = useState<Option[] | string | null>(null);
  const [search, setSearch] = useState("");
  useEffect(() => {
    source()
      .options(by, without(by))
      .then((found) => {
        for (const option of found) remember(by, option.id, option.label);
        setOptions(found);
      })
      .catch((error: Error) => setOptions(error.message));
  }, [by]);
  if (typeof options === "string") return <p class="menu-said">{options}</p>;
  const wanted = search.trim().toLowerCase();
  const found = (options ?? []).filter((o) => !wanted || `${o.label} ${o.id}`.toLowerCase().includes(wanted));
  return (
    <div class="values">
      <input
        type="search"
        placeholder={`Search ${dimension(by).toLowerCase()}`}
        aria-label={`Search ${dimension(by)}`}
        value={search}
        ref={(input) => input?.focus()}
        onInput={(event) => setSearch(event.currentTarget.value)}
      />
      {options === null && <p class="menu-said">Loading…</p>}
      {options !== null && found.length === 0 && <p class="menu-said">None is called so.</p>}
      <ul class="menu-list">
        {found.slice(0, SHOWN).map((option) => (
          <Value key={option.id} {...{ by, option, close }} />
        ))}
      </ul>
      {found.length > SHOWN && <p class="menu-said">{found.length - SHOWN} more: search for them.</p>}
    </div>
  );
}

function Value({ by, option, close }: { by: string; option: Option; close: () => void }) {
  const now = all("where");
  const text = `${by}=${option.id}`;
  const not = `${by}!=${option.id}`;
  return (
    <li class="value">
      <button
        type="button"
        title={option.label}
        aria-pressed={now.includes(text)}
        onClick={() => {
          filter([text]);
          close();
        }}
      >
        <i
          class="dot"
          style={{ background: hue({ color: option.color, word: option.color === null ? "none" : null }) }}
        />
        <bdi>{option.label}</bdi>
      </button>
      <button
        class="not"
        type="button"
        title={`All but ${option.label}`}
        aria-label={`All but ${option.label}`}
        onClick={() => {
          filter([not]);
          close();
        }}
      >
        ≠
      </button>
    </li>
  );
}
