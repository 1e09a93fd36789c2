"""How the page looks: nothing overlaps, nothing is cut off, everybody can read it."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.browser.conftest import DESKTOP, PHONE, TABLET, Open

TABS = ("overview", "costs", "tokens", "people", "health")
SIZES = {"desktop": DESKTOP, "tablet": TABLET, "phone": PHONE}

FAULTS = """() => {
  const found = [];
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) found.push(`the page is ${wide.scrollWidth - wide.clientWidth} px too wide`);
  const shown = (e) => {
    const s = getComputedStyle(e);
    return s.visibility !== 'hidden' && s.opacity !== '0' && !e.closest('.unseen, .skip, [hidden]');
  };
  const boxes = [];
  const walker = document.createTreeWalker(document.querySelector('body'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, text = node.data.trim(), e = node.parentElement;
    if (!text || !shown(e) || e.closest('script, style, option, select, .scroll, .menu')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width < 1 || r.height < 1) continue;
      let cut = false;
      for (let p = e; p && p !== document.body; p = p.parentElement) {
        const s = getComputedStyle(p);
        if (s.overflowX === 'visible' && s.overflowY === 'visible') continue;
        const b = p.getBoundingClientRect();
        if (r.right > b.right + 1 || r.bottom > b.bottom + 1 || r.left < b.left - 1) {
          cut = true;
          const told = s.textOverflow === 'ellipsis' && p.closest('[title]');
          if (!told && !['auto', 'scroll'].includes(s.overflowX)) found.push(`cut off: ${text.slice(0, 40)}`);
        }
      }
      if (!cut) boxes.push({e, text, l: r.left, t: r.top, r: r.right, b: r.bottom});
    }
  }
  for (let i = 0; i < boxes.length; i++)
    for (let j = i + 1; j < boxes.length; j++) {
      const a = boxes[i], b = boxes[j];
      if (a.e === b.e || a.e.closest('.bar, .head') !== b.e.closest('.bar, .head')) continue;
      const w = Math.min(a.r, b.r) - Math.max(a.l, b.l), h = Math.min(a.b, b.b) - Math.max(a.t, b.t);
      if (w > 2 && h > 4) found.push(`overlap: ${a.text.slice(0, 30)} | ${b.text.slice(0, 30)}`);
    }
  return [...new Set(found)].slice(0, 20);
}"""


def faults(page: Page) -> list[str]:
    found: list[str] = page.evaluate(FAULTS)
    return found


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_and_nothing_is_cut_off(visit: Open, tab: str, size: str) -> None:
    page = visit(f"?tab={tab}", size=SIZES[size])
    assert faults(page) == []


def test_the_check_sees_text_that_overlaps_is_cut_off_or_makes_the_page_too_wide(visit: Open) -> None:
    page = visit()
    page.evaluate("""() => {
        const add = (css, text) => {
            const e = document.createElement('div');
            e.style.cssText = css;
            e.textContent = text;
            document.body.append(e);
        };
        add('position:absolute;top:400px;left:300px', 'one upon');
        add('position:absolute;top:404px;left:304px', 'the other');
        add('width:30px;overflow:hidden;white-space:nowrap', 'much too long');
        add('width:3000px', 'wide');
    }""")
    assert {text.split(":")[0].split(" is ")[0] for text in faults(page)} == {"overlap", "cut off", "the page"}


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(visit: Open, tab: str, scheme: str) -> None:
    page = visit(f"?tab={tab}", scheme=scheme)
    found: dict[str, Any] = Axe().run(page).response
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]] == []
