// One value that components can follow.

import { useEffect, useState } from "./html.js";

export class Observable {
  #value;
  #followers = new Set();

  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  set(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const follower of [...this.#followers]) follower(value);
  }

  follow(follower) {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

/** The value now; the component is drawn again when it changes. */
export function useValue(observable) {
  const [, setSeen] = useState(observable.value);
  useEffect(() => {
    setSeen(() => observable.value); // it may have changed between drawing and now
    return observable.follow((value) => setSeen(() => value));
  }, [observable]);
  return observable.value;
}
