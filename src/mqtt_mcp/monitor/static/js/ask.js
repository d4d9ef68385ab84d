// Asking before something is ended, in a dialog of the page; what goes wrong is said where it was asked for.

import { cancelCollection, closeSession } from "./api.js";
import { shortId } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Observable, useValue } from "./observable.js";
import { Value } from "./parts.js";

const question = new Observable(null);

export const askToClose = (session, collections) =>
  question.set({
    title: `Close session ${shortId(session.id)}?`,
    about: session.client_id,
    text: `The broker is told goodbye, and the assistant has to open a new session to go on.${
      collections ? " What it is collecting ends with what has come so far." : ""}`,
    action: "Close session",
    run: () => closeSession(session.id),
  });

export const askToCancel = (collection) =>
  question.set({
    title: "Cancel this collection?",
    about: collection.watching,
    text: "It ends now; the assistant gets what was collected so far.",
    action: "Cancel collection",
    run: () => cancelCollection(collection.id),
  });

export function AskDialog() {
  const asked = useValue(question);
  return asked && html`<${Dialog} key=${asked.title} asked=${asked} />`;
}

function Dialog({ asked }) {
  const box = useRef();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  useEffect(() => box.current.showModal(), []);

  async function run() {
    setBusy(true);
    setFailure("");
    try {
      await asked.run();
      box.current.close();
    } catch (error) {
      setFailure(error.message);
      setBusy(false);
    }
  }

  return html`<dialog ref=${box} aria-labelledby="ask-title" onClose=${() => question.set(null)}>
    <h2 id="ask-title">${asked.title}</h2>
    <p class="mono"><${Value} text=${asked.about} /></p>
    <p>${asked.text}</p>
    <div role="alert">${failure && html`<p class="failure">That did not work: <${Value} text=${failure} /></p>`}</div>
    <div class="dialog-buttons">
      <button type="button" onClick=${() => box.current.close()}>Keep it</button>
      <button type="button" class="danger" disabled=${busy} onClick=${run}>${asked.action}</button>
    </div>
  </dialog>`;
}
