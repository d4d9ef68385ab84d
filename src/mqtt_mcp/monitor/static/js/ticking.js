// Texts that change with the time alone: ages, countdowns, the clock. One timer writes them all, and only those that
// changed; drawing hundreds of components each second would cost more than everything else on the page.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { now, serverTime, shown } from "./store.js";

const texts = new Set();

setInterval(() => {
  if (!document.hidden) for (const text of texts) if (text.always || !shown.paused) text.paint();
}, 1000);

/**
 * Args:
 *   text: From the server's time to what is shown.
 *   soon: From the server's time to whether it deserves attention.
 *   always: Goes on while the page is paused.
 */
export function Ticking({ text, soon, always = false, class: name }) {
  const box = useRef();
  useLayoutEffect(() => {
    const paint = () => {
      const t = always ? serverTime() : now();
      const written = text(t);
      if (box.current.textContent !== written) box.current.textContent = written;
      if (soon) box.current.toggleAttribute("data-soon", soon(t));
    };
    const entry = { paint, always };
    paint();
    texts.add(entry);
    return () => texts.delete(entry);
  });
  return html`<span ref=${box} class=${name}></span>`;
}

/** A number that grows each `everyMs` (0: never) and draws the component again; not while the page is hidden or paused. */
export function useTick(everyMs) {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (!everyMs) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden && !shown.paused) setTick((n) => n + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return tick;
}
