// What the page knows. Events change `live` at once; four times a second at most, what changed is copied into `shown`
// and the components that use it are drawn. While the page is paused nothing is copied: `shown` stays as it was.

import { useEffect, useState } from "./html.js";

const FLUSH_MS = 250;
const FINISHED_COLLECTIONS_STAY_S = 600;
const THROUGHPUT_S = 300;
// As many as the server remembers; the oldest go first.
const MOST = { calls: 1000, publishes: 1000, changes: 500, logs: 2000, findings: 500, topics: 2000 };

const nothingWaits = () => ({ calls: 0, publishes: 0, changes: 0, logs: 0, findings: 0, topics: 0 });

const live = {
  process: "",
  lastEventId: 0,
  status: null,
  sessions: new Map(),
  collections: new Map(),
  calls: new Map(),
  publishes: [],
  changes: [],
  logs: [],
  findings: new Map(),
  topics: new Map(),
  topicsUnsent: 0,
  throughput: { at: [], received: [], published: [] },
};

/** What is drawn. Each array is a new one whenever its content changed, so identity tells. */
export const shown = {
  status: null,
  sessions: [],
  collections: [],
  calls: [], // newest first
  publishes: [], // newest first
  changes: [], // newest first
  logs: [], // oldest first, with gap lines
  findings: [], // newest first, the worst of a result before the others
  topics: [],
  topicsUnsent: 0,
  throughput: { at: [], received: [], published: [] },
  paused: false,
  waiting: nothingWaits(), // what came since the page was paused
};

const copies = {
  status: () => live.status,
  sessions: () => [...live.sessions.values()],
  collections: () => [...live.collections.values()],
  calls: () => [...live.calls.values()].reverse(),
  publishes: () => live.publishes.toReversed(),
  changes: () => live.changes.toReversed(),
  logs: () => [...live.logs],
  findings: () => [...live.findings.values()].reverse(),
  topics: () => [...live.topics.values()],
  topicsUnsent: () => live.topicsUnsent,
  throughput: () => ({ ...live.throughput }),
};

// ---- following

const changed = new Set();
const followers = new Set();
let timer = 0;
let version = 0;
let skewS = 0;
let statusArrivedMs = 0;
let pausedAtS = 0;

function touch(...parts) {
  for (const part of parts) changed.add(part);
  if (!timer && !shown.paused) timer = setTimeout(flush, FLUSH_MS);
}

function flush() {
  clearTimeout(timer);
  timer = 0;
  if (changed.has("status") && live.status) {
    // Only the newest status of a batch: in a backlog the older ones would set the clock back.
    skewS = live.status.now_epoch_s - statusArrivedMs / 1000;
    dropOldCollections();
  }
  const parts = new Set(changed);
  changed.clear();
  for (const part of parts) if (copies[part]) shown[part] = copies[part]();
  tell(parts);
}

function tell(parts) {
  version += 1;
  for (const follower of [...followers]) if (follower.parts.some((part) => parts.has(part))) follower.draw();
}

/** `shown`; the component is drawn again when one of the named parts changes. */
export function useStore(...parts) {
  const [, draw] = useState(0);
  const drawn = version;
  useEffect(() => {
    const follower = { parts, draw: () => draw((n) => n + 1) };
    followers.add(follower);
    if (drawn !== version) follower.draw(); // it changed between drawing and now
    return () => followers.delete(follower);
  }, []);
  return shown;
}

/** The server's clock; stands still while the page is paused. */
export const now = () => (shown.paused ? pausedAtS : serverTime());
export const serverTime = () => Date.now() / 1000 + skewS;

export function setPaused(paused) {
  if (paused === shown.paused) return;
  if (paused) {
    flush();
    pausedAtS = serverTime();
    shown.waiting = nothingWaits();
    shown.paused = true;
    tell(new Set(["paused", "waiting"]));
  } else {
    shown.paused = false;
    changed.add("paused");
    flush();
  }
}

let waitingTimer = 0;

function countWaiting(part, n = 1) {
  if (!shown.paused) return;
  shown.waiting[part] += n;
  waitingTimer ||= setTimeout(() => {
    waitingTimer = 0;
    if (shown.paused) tell(new Set(["waiting"]));
  }, 1000);
}

// ---- what the server says

export const lastEventId = () => live.lastEventId;
export const forgetPosition = () => (live.lastEventId = 0);
export const setPosition = (id) => (live.lastEventId = id);

const byId = (a, b) => a.id - b.id;

/** Take over a snapshot: everything is replaced, but log lines that the server has forgotten meanwhile are kept. */
export function load(snapshot) {
  const process = `${snapshot.status.pid}:${snapshot.status.started_at_epoch_s}`;
  const sameProcess = process === live.process;
  if (live.process && !sameProcess) {
    live.logs = [gapLine("The server was started again.", snapshot.status.started_at_epoch_s)];
  }
  live.process = process;
  live.lastEventId = snapshot.event_id;
  setStatus(snapshot.status);
  live.sessions = new Map(snapshot.sessions.map((row) => [row.id, row]));
  live.collections = new Map(snapshot.collections.map((row) => [row.id, row]));
  live.calls = new Map(snapshot.calls.toSorted(byId).map((row) => [row.id, row]));
  live.publishes = snapshot.publishes.toSorted(byId);
  live.changes = snapshot.changes.toSorted(byId);
  loadLogs(snapshot.logs.toSorted(byId));
  live.findings = new Map(snapshot.findings.toSorted(byId).map((row) => [row.id, row]));
  live.topicsUnsent = 0;
  live.topics = new Map();
  for (const topic of snapshot.topics.toSorted((a, b) => a.at_epoch_s - b.at_epoch_s)) live.topics.set(topic.topic, topic);
  const { until_epoch_s: until, received, published } = snapshot.throughput;
  live.throughput = { at: received.map((_, i) => until - (received.length - 1 - i)), received, published };
  touch(...Object.keys(copies));
}

function loadLogs(lines) {
  const known = live.logs.findLast((line) => !line.gap);
  if (known && lines.length && lines[0].id > known.id) {
    live.logs.push(gapLine("Lines may be missing here: the stream was interrupted for too long.", lines[0].at_epoch_s));
  }
  for (const line of lines) if (!known || line.id > known.id) live.logs.push(line);
  cut(live.logs, MOST.logs);
}

let gaps = 0;
const gapLine = (text, atEpochS) => ({ id: `gap-${++gaps}`, gap: text, at_epoch_s: atEpochS });

/** The server cut us off because we did not keep up; a snapshot follows. */
export function overflowed() {
  live.logs.push(gapLine("This page could not keep up here; it was loaded again.", serverTime()));
  countWaiting("logs");
  touch("logs");
}

function setStatus(status) {
  live.status = status;
  statusArrivedMs = Date.now();
}

function cut(list, most) {
  if (list.length > most) list.splice(0, list.length - most);
}

function append(part, record) {
  live[part].push(record);
  cut(live[part], MOST[part]);
  countWaiting(part);
  touch(part);
}

/** Keep a record that may be told again, with the same id, when there is more to say. */
function put(part, record) {
  const known = live[part];
  if (!known.has(record.id)) countWaiting(part);
  known.set(record.id, record);
  if (known.size > MOST[part]) known.delete(known.keys().next().value);
  touch(part);
}

function putTopics(topics) {
  for (const topic of topics) {
    live.topics.delete(topic.topic); // to the end: the order is that of the last message
    live.topics.set(topic.topic, topic);
  }
  for (const name of live.topics.keys()) {
    if (live.topics.size <= MOST.topics) break;
    live.topics.delete(name);
  }
  touch("topics", "topicsUnsent");
}

const isNewer = (a, b) => a.at_epoch_s > b.at_epoch_s || (a.at_epoch_s === b.at_epoch_s && a.count > b.count);

/**
 * Take over a whole list of topics: what the batches left out. Batches that came while it was on its way may be newer.
 *
 * Args:
 *   topics: All that the server remembered when it answered.
 *   unsent: `topicsUnsent` when it was asked.
 */
export function mergeTopics(topics, unsent) {
  const known = live.topics;
  const answeredAt = topics.reduce((latest, topic) => Math.max(latest, topic.at_epoch_s), 0);
  // What is not in the answer was forgotten by the server, unless it was heard after the answer.
  const merged = new Map([...known].filter(([, row]) => row.at_epoch_s > answeredAt));
  for (const topic of topics) {
    const before = known.get(topic.topic);
    merged.set(topic.topic, before && !isNewer(topic, before) ? before : topic);
  }
  live.topics = new Map();
  live.topicsUnsent = Math.max(0, live.topicsUnsent - unsent);
  putTopics([...merged.values()].sort((a, b) => a.at_epoch_s - b.at_epoch_s));
}

function dropOldCollections() {
  for (const [id, row] of live.collections) {
    const endedAt = row.started_at_epoch_s + row.elapsed_s;
    if (row.state !== "running" && serverTime() - endedAt > FINISHED_COLLECTIONS_STAY_S) {
      live.collections.delete(id);
      changed.add("collections");
    }
  }
}

const events = {
  status(status) {
    // What this page may do was said to its own request; the event is the same for all pages.
    setStatus({ ...status, actions: live.status?.actions ?? false });
    const { at, received, published } = live.throughput;
    if (!at.length || status.now_epoch_s > at.at(-1)) {
      // New arrays: the drawn ones must not change while the page is paused.
      live.throughput = {
        at: [...at, status.now_epoch_s].slice(-THROUGHPUT_S),
        received: [...received, status.in_per_s].slice(-THROUGHPUT_S),
        published: [...published, status.out_per_s].slice(-THROUGHPUT_S),
      };
      touch("throughput");
    }
    touch("status");
  },
  session(session) {
    live.sessions.set(session.id, session);
    touch("sessions");
  },
  session_closed({ id }) {
    live.sessions.delete(id);
    touch("sessions");
  },
  collection(collection) {
    live.collections.set(collection.id, collection);
    touch("collections");
  },
  call: (call) => put("calls", call),
  finding: (finding) => put("findings", finding),
  publish: (publish) => append("publishes", publish),
  change: (change) => append("changes", change),
  log: (line) => append("logs", line),
  topic({ items, more }) {
    countWaiting("topics", items.length);
    live.topicsUnsent += more;
    putTopics(items.toReversed()); // the one heard last is the first of them
  },
};

/** Take over one event of the stream; kinds of a newer server are let go. */
export function apply(kind, data) {
  if (Object.hasOwn(events, kind)) events[kind](data);
}
