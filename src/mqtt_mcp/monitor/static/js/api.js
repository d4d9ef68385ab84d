// Talking to the server: relative addresses, the token, and what a refusal means.
//
// The token comes in the fragment (which reaches no server and no log) or by the form, is kept for this tab only, and
// travels in a header. There are no cookies: they would be sent to every port of this host.

const KEY = "mqtt-mcp.token";
const FRAGMENT = "#token=";
let token = stored();

takeTokenFromAddress();
addEventListener("hashchange", takeTokenFromAddress);

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export const hasToken = () => token !== "";

export function setToken(value) {
  token = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Kept in memory until the page is left.
  }
}

function takeTokenFromAddress() {
  if (!location.hash.startsWith(FRAGMENT)) return;
  let value = location.hash.slice(FRAGMENT.length);
  history.replaceState(null, "", location.pathname + location.search);
  try {
    value = decodeURIComponent(value); // as it is, unless somebody has encoded it
  } catch {
    // A percent sign that encodes nothing is part of the token.
  }
  setToken(value);
  dispatchEvent(new Event("tokenchange"));
}

/** What went wrong with a request: `kind` is "unreachable", "signed-out", "token" or "refused". */
export class RequestError extends Error {
  constructor(kind, message, { status = 0, retryAfterS = 0 } = {}) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Send a request; the response when it succeeded, a RequestError otherwise (AbortError when `signal` fired). */
export async function send(path, { method = "GET", headers = {}, signal, timeoutMs = 15_000 } = {}) {
  const all = { "X-MQTT-MCP": "1", ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const give = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  let response;
  try {
    // We never redirect. A login proxy does when the sign-in has expired, to another port: followed, that would look
    // like a dead network, so it is not followed.
    response = await fetch(path, {
      method, headers: all, signal: give, cache: "no-store", credentials: "same-origin", redirect: "manual",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestError("unreachable", late.signal.aborted ? "The server does not answer." : "The server cannot be reached.");
  } finally {
    clearTimeout(timer);
  }
  if (response.type === "opaqueredirect") {
    throw new RequestError("signed-out", "You are signed out. Reload the page to sign in again.");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function getJson(path, options) {
  const response = await send(path, options);
  try {
    return await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new RequestError("unreachable", "Something else than mqtt-mcp answered.");
  }
}

async function refusal(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // Refused below our own error pages, or by a proxy.
  }
  const said = problem.detail || problem.title || response.statusText || `HTTP ${response.status}`;
  const kind = response.status === 401 ? "token" : "refused";
  return new RequestError(kind, said, {
    status: response.status,
    retryAfterS: Number(response.headers.get("Retry-After")) || 0,
  });
}

export const cancelCollection = (id) =>
  send(`api/v1/collections/${encodeURIComponent(id)}/cancel`, { method: "POST" });

export const closeSession = (id) => send(`api/v1/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });

/** Save a response as a file. A plain link could not carry the token. */
export async function download(path, name) {
  const response = await send(path, { timeoutMs: 60_000 });
  save(await response.blob(), name);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
