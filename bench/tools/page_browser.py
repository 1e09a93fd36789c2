"""Opens a page in Chromium with an empty profile and says how long it takes until nothing changes on it any more.

Painted is the last change of the document or of a canvas, plus one frame.
"""

import json
import shutil
import sys

from playwright.sync_api import sync_playwright

task = json.loads(sys.argv[1])
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WATCH = """(() => {
  let last = 0;
  const changed = () => requestAnimationFrame(() => { last = performance.now(); });
  const watch = (root) => new MutationObserver(changed)
    .observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
  watch(document);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...given) {
    const root = attach.apply(this, given);
    watch(root);
    return root;
  };
  const contexts = [CanvasRenderingContext2D, window.WebGLRenderingContext, window.WebGL2RenderingContext];
  const drawing = ['fillRect', 'fill', 'stroke', 'fillText', 'drawArrays', 'drawElements', 'putImageData', 'drawImage'];
  for (const kind of contexts.filter(Boolean))
    for (const name of drawing.filter((n) => kind.prototype[n])) {
      const draw = kind.prototype[name];
      kind.prototype[name] = function (...given) { changed(); return draw.apply(this, given); };
    }
  let clicked = 0;
  addEventListener('pointerdown', () => { clicked = performance.now(); }, true);
  window.__bench = () => ({last, clicked, now: performance.now()});
})()"""
QUIET = 1500
"""Milliseconds without a change after which a page is painted."""
STILL = f"() => {{ const b = window.__bench(); return b.last && b.now - b.last > {QUIET}; }}"


def settled(page, ready):
    """Wait until the page is painted; return the clock of the page."""
    page.wait_for_function(ready, timeout=120_000)
    page.wait_for_function(
        f"() => {{ const b = window.__bench(); return b.last && b.now - b.last > {QUIET}; }}", timeout=120_000
    )
    return page.evaluate("() => window.__bench()")


def measured(browser):
    """Open the page and click."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(WATCH)
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    seen = {"bytes": 0, "requests": 0}
    wire.on(
        "Network.loadingFinished",
        lambda e: seen.update(bytes=seen["bytes"] + e["encodedDataLength"], requests=seen["requests"] + 1),
    )
    wire.on(
        "Network.webSocketFrameReceived", lambda e: seen.update(bytes=seen["bytes"] + len(e["response"]["payloadData"]))
    )
    page.goto(task["url"], wait_until="commit")
    painted = settled(page, task["ready"])["last"]
    found = {"painted": painted, **seen}
    clicks = []
    for selector, ready in task["clicks"]:
        page.locator(selector).first.click()
        after = settled(page, ready)
        clicks.append(after["last"] - after["clicked"])
    context.close()
    return found | {"clicks": clicks}


with sync_playwright() as playwright:
    path = next(filter(None, map(shutil.which, NAMES)))
    runs = []
    for _ in range(task["rounds"]):
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        runs.append(measured(browser))
        browser.close()
print(json.dumps(runs))
