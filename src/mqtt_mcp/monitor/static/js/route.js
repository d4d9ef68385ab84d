// Where the page is: the view in the fragment, the filters in the query string, so that both can be sent to somebody.

import { Observable, useValue } from "./observable.js";

export const VIEWS = ["overview", "findings", "calls", "published", "topics", "logs"];

const route = new Observable(read());
let timer = 0;

addEventListener("popstate", () => route.set(read()));
addEventListener("hashchange", () => route.set(read()));

function read() {
  const view = location.hash.replace(/^#\/?/, "");
  return {
    view: VIEWS.includes(view) ? view : "overview",
    params: Object.fromEntries(new URLSearchParams(location.search)),
  };
}

function address({ view, params }) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "")).toString();
  return `${location.pathname}${query ? `?${query}` : ""}#/${view}`;
}

export const useView = () => useValue(route).view;

/** Go to a view; `params` are filters to set there. */
export function go(view, params = {}) {
  clearTimeout(timer);
  const next = { view, params: { ...route.value.params, ...params } };
  if (address(next) === `${location.pathname}${location.search}${location.hash}`) return;
  history.pushState(null, "", address(next));
  route.set(next);
}

export function setParams(params) {
  route.set({ view: route.value.view, params: { ...route.value.params, ...params } });
  // Browsers refuse to be told a new address at every key stroke.
  clearTimeout(timer);
  timer = setTimeout(() => history.replaceState(null, "", address(route.value)), 200);
}

/** The filters of one view, each "" when it is not set, and how to set them. */
export function useFilters(view, names) {
  const { params } = useValue(route);
  const values = Object.fromEntries(names.map((name) => [name, params[`${view}.${name}`] ?? ""]));
  const set = (changes) =>
    setParams(Object.fromEntries(Object.entries(changes).map(([name, value]) => [`${view}.${name}`, value])));
  return [values, set];
}
