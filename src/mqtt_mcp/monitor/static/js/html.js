// What every component is written with. Text reaches the page only as text nodes and constant attributes: there is no
// innerHTML anywhere, and the page's security policy forbids it.

import { Component, Fragment, h, render } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export { Fragment, render };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/hooks.mjs";

export const html = htm.bind(h);

/** A component that is drawn again only when one of its properties is another object or value. */
export function memo(View) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const names = Object.keys(next);
      return names.length !== Object.keys(this.props).length || names.some((name) => next[name] !== this.props[name]);
    }
    render(props) {
      return h(View, props);
    }
  };
}
