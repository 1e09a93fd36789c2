/** The head of the page: whose book, how fresh, and what can be done with the page itself. */
import { signal } from "@preact/signals";
import { asOf } from "../clock";
import { live } from "../live";
import { board, source } from "../load";
import { changed, href, RANGE, words } from "../state";
import { nextTheme, theme } from "../theme";
import { help } from "./help";
import { Menu } from "./menu";

const LIVE = {
  live: "Live",
  paused: "Paused",
  connecting: "Connecting",
  off: "",
};

export function Header() {
  const now = board.value;
  return (
    <header class="head">
      <a class="skip" href="#numbers">
        Skip to the numbers
      </a>
      <a class="logo" href={href({ tab: null })}>
        <svg viewBox="0 0 20 20" width="22" height="22" aria-hidden="true">
          <rect width="20" height="20" rx="5" />
          <path d="M5.5 6v8M8.500 6v8M11.500 6v8M14.500 6v8M3.500 12.500l13-5" />
        </svg>
        tallybook
      </a>
      {now && now.choices.orgs.length > 0 && <bdi class="org">{now.choices.orgs.join(", ")}</bdi>}
      <span class="grow" />
      <Freshness />
      {source().live && <Sync />}
      {source().live && <CopyLink />}
      <button
        class="button icon"
        type="button"
        aria-label={`Theme: ${theme.value}`}
        title={`Theme: ${theme.value} (t)`}
        onClick={nextTheme}
      >
        {{ system: "◐", light: "☀", dark: "☾" }[theme.value]}
      </button>
      <button
        class="button icon"
        type="button"
        aria-label="Keyboard and help"
        title="Help (?)"
        onClick={() => (help.value = true)}
      >
        ?
      </button>
    </header>
  );
}

function Freshness() {
  const now = board.value;
  if (!now) return null;
  const state = source().live ? live.value : "off";
  return (
    <span class={`fresh ${state}`} title={LIVE[state] || "Saved data"}>
      {state !== "off" && <i class="pulse" />}
      <span class="unseen">{LIVE[state]}</span>
      {now.as_of !== null && `as of ${asOf(now.as_of, now.now)}`}
    </span>
  );
}

const asked = signal(false);

function Sync() {
  const sync = board.value?.sync;
  if (!sync?.can) return null;
  const running = sync.running || asked.value;
  const run = async () => {
    asked.value = true;
    try {
      await source().sync();
    } finally {
      asked.value = false;
    }
  };
  return (
    <button class="button wide-only" type="button" disabled={running} onClick={run}>
      {running ? "Syncing…" : "Sync now"}
    </button>
  );
}

const copied = signal("");

async function copy(query: string, what: string): Promise<void> {
  const text = new URL(`?${query}`, location.href).href;
  try {
    await navigator.clipboard.writeText(text);
    copied.value = what;
    setTimeout(() => (copied.value = ""), 1500);
  } catch {
    prompt("The address:", text);
  }
}

/** The same range for ever, whatever the day on which the link is opened. */
function absolute(): string {
  const range = board.value?.state.range;
  return range ? changed({ ...RANGE, since: range.start, until: range.end }) : words.value;
}

export const copyLink = (): Promise<void> => copy(words.value, "Copied");

function CopyLink() {
  return (
    <Menu label={<span aria-live="polite">{copied.value || "Copy link"}</span>} kind="button wide-only" align="right">
      {(close) => (
        <ul class="menu-list">
          <li>
            <button type="button" onClick={() => void copyLink().then(close)}>
              This view, as time goes on
            </button>
          </li>
          <li>
            <button type="button" onClick={() => void copy(absolute(), "Copied").then(close)}>
              These very days
            </button>
          </li>
        </ul>
      )}
    </Menu>
  );
}
