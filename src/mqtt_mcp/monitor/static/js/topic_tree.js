// Topics as a tree, and the part of it that is drawn.

const MOST_ROWS = 400;
const MOST_IN_A_BRANCH = 150;

const node = (name, path) => ({ name, path, children: new Map(), topic: null, count: 0, topics: 0, at: 0 });

/** The tree of these topics; each node knows the messages, the topics and the newest message under it. */
export function grow(topics) {
  const root = node("", "");
  for (const topic of topics) {
    let at = root;
    let path = "";
    add(at, topic);
    for (const level of topic.topic.split("/")) {
      path += `/${level}`; // begins with a slash always: an empty first level is a level too
      let next = at.children.get(level);
      if (!next) at.children.set(level, (next = node(level, path)));
      add(next, topic);
      at = next;
    }
    at.topic = topic;
  }
  return root;
}

function add(at, topic) {
  at.count += topic.count;
  at.topics += 1;
  at.at = Math.max(at.at, topic.at_epoch_s);
}

const ORDERS = {
  name: (a, b) => (a.name < b.name ? -1 : 1),
  count: (a, b) => b.count - a.count || ORDERS.name(a, b),
  recent: (a, b) => b.at - a.at || ORDERS.name(a, b),
};

/**
 * What is drawn of a tree: rows with the rows under them, `MOST_ROWS` at most.
 *
 * Args:
 *   order: A key of ORDERS.
 *   isOpen: From node and depth to whether what is under it is drawn.
 *
 * Returns `rows`, each {node, open, rows, cut: nodes of this branch left out}, and `hidden`: topics left out.
 */
export function prune(root, order, isOpen) {
  let left = MOST_ROWS;
  let hidden = 0;
  const compare = ORDERS[order] ?? ORDERS.name;

  function walk(parent, depth) {
    const sorted = [...parent.children.values()].sort(compare);
    const rows = [];
    for (const child of sorted) {
      if (rows.length >= MOST_IN_A_BRANCH || left <= 0) {
        hidden += child.topics;
        continue;
      }
      left -= 1;
      const open = isOpen(child, depth);
      const under = open && child.children.size ? walk(child, depth + 1) : { rows: [], cut: 0 };
      rows.push({ node: child, open, ...under });
    }
    return { rows, cut: sorted.length - rows.length };
  }

  const { rows, cut } = walk(root, 0);
  return { rows, cut, hidden };
}
