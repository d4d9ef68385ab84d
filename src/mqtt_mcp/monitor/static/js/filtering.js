// Finding rows by text, time and topic.

/** A test for "contains this text in any of its fields"; what a record says is put together once. */
export function textFilter(fields) {
  const known = new WeakMap();
  return (wanted) => {
    const needle = wanted.trim().toLowerCase();
    if (!needle) return () => true;
    return (record) => {
      let text = known.get(record);
      if (text === undefined) known.set(record, (text = fields(record).join("\n").toLowerCase()));
      return text.includes(needle);
    };
  };
}

export const TIMES = [["", "any time"], ["60", "last minute"], ["300", "last 5 min"], ["900", "last 15 min"], ["3600", "last hour"], ["between", "between …"]];

/** A test for the time of a record: the last seconds, or between two local times as an input field writes them. */
export function timeFilter(time, from, to, now) {
  if (time === "between") {
    const seconds = (local) => new Date(local).getTime() / 1000;
    const [least, most] = [from ? seconds(from) : -Infinity, to ? seconds(to) + 60 : Infinity];
    return (record) => record.at_epoch_s >= least && record.at_epoch_s < most;
  }
  const last = Number(time);
  return last > 0 ? (record) => record.at_epoch_s >= now - last : () => true;
}

/** A test for topics: with + or # in it a topic filter as MQTT has it, otherwise a part of the name. */
export function topicFilter(wanted) {
  const filter = wanted.trim();
  if (!/[+#]/.test(filter)) {
    const needle = filter.toLowerCase();
    return (topic) => topic.toLowerCase().includes(needle);
  }
  const levels = filter.split("/");
  return (topic) => {
    if (topic[0] === "$" && /^[+#]/.test(filter)) return false; // as brokers have it
    const parts = topic.split("/");
    for (let i = 0; i < levels.length; i++) {
      if (levels[i] === "#") return true; // also matches the parent itself: the parts end here
      if (i >= parts.length || (levels[i] !== "+" && levels[i] !== parts[i])) return false;
    }
    return levels.length === parts.length;
  };
}
