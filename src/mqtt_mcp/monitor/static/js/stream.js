// Following the server live: a snapshot, then the events after it, for as long as the page is there.
//
// fetch() and a reader instead of EventSource, which cannot send the token. The stream ends while the tab is hidden: a
// browser has six connections per host, and the seventh tab would not even load. It resumes where it ended.

import { getJson, hasToken, RequestError, send, setToken } from "./api.js";
import { Observable } from "./observable.js";
import { apply, forgetPosition, lastEventId, load, overflowed, setPosition } from "./store.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const SILENCE_MS = 30_000; // the server says something at least each second, and each 15 s when it is asleep

/** How the connection is: `state` is a word of this file, `detail` a sentence or empty. */
export const link = new Observable({ state: "connecting", detail: "" });
const say = (state, detail = "") => link.set({ state, detail });

class StreamBroken extends Error {}

/** Follow for ever. Never throws. */
export async function follow() {
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    await visible();
    const stream = new AbortController();
    const hide = () => document.hidden && stream.abort();
    document.addEventListener("visibilitychange", hide);
    let pauseMs = waitMs;
    try {
      if (!lastEventId()) load(await getJson("api/v1/snapshot", { signal: stream.signal }));
      await readEvents(stream, () => {
        waitMs = FIRST_WAIT_MS;
        say("live");
      });
      say("reconnecting");
      pauseMs = FIRST_WAIT_MS;
    } catch (error) {
      if (document.hidden) continue;
      pauseMs = await explain(error, waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    } finally {
      document.removeEventListener("visibilitychange", hide);
      stream.abort();
    }
    // Not all pages at once when a server comes back.
    if (pauseMs) await untilOr(pauseMs + Math.random() * 250);
  }
}

/** Say what went wrong; how many milliseconds to wait before the next try. */
async function explain(error, waitMs) {
  if (error instanceof StreamBroken || error?.name === "AbortError") {
    say("reconnecting"); // the next try tells whether the server is there
    return FIRST_WAIT_MS;
  }
  if (!(error instanceof RequestError)) {
    console.error(error);
    forgetPosition(); // or the same event would break it again
    say("offline", "This page could not make sense of what the server said. Trying again.");
    return waitMs;
  }
  if (error.kind === "token") {
    const refused = hasToken();
    setToken("");
    forgetPosition();
    say("token needed", refused ? "The server does not know this token." : "");
    await new Promise((resolve) => addEventListener("tokenchange", resolve, { once: true }));
    say("connecting");
    return 0;
  }
  if (error.kind === "signed-out") {
    say("signed out", error.message);
    return LONGEST_WAIT_MS;
  }
  say("offline", `${error.message} Trying again.`);
  return Math.max(waitMs, error.retryAfterS * 1000);
}

async function readEvents(stream, opened) {
  const response = await send("api/v1/events", {
    signal: stream.signal,
    headers: { Accept: "text/event-stream", "Last-Event-ID": String(lastEventId()) },
  });
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let timer = 0;
  let rest = "";
  try {
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => stream.abort(), SILENCE_MS); // a connection may die without a word
      const { value, done } = await reader.read().catch(() => {
        throw new StreamBroken();
      });
      if (done) return;
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) if (!take(frame)) return;
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {}); // it may be broken already
  }
}

/** Take over one frame; false when the stream is of no more use. */
function take(frame) {
  let kind = "message";
  let id = 0;
  let data = "";
  for (const line of frame.split("\n")) {
    if (line.startsWith("event: ")) kind = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
    else if (line.startsWith("id: ")) id = Number(line.slice(4));
  }
  if (kind === "reset" || kind === "overflow") {
    if (kind === "overflow") overflowed();
    forgetPosition();
    return false;
  }
  if (data) apply(kind, JSON.parse(data));
  if (id) setPosition(id);
  return true;
}

function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/** Wait, but not longer than until the browser is online again, the page is shown again or a token is there. */
function untilOr(ms) {
  return new Promise((resolve) => {
    const reasons = [[window, "online"], [window, "tokenchange"], [document, "visibilitychange"]];
    const done = () => {
      clearTimeout(timer);
      for (const [target, name] of reasons) target.removeEventListener(name, done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const [target, name] of reasons) target.addEventListener(name, done);
  });
}
