// A saved call leaves the row at once: the next one can be typed while the desk is still answering, or is gone. Until the
// desk has it, the call stands in the list with what it waits for (queue.js); what was refused comes back into the row,
// at once where the row is free.

import { add, calls, isAsking, takeBack } from "./queue.js";

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is missing where there is no TLS
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** *row*: how the form is cleared, filled with [name, value] pairs, whether it holds a call, and shows refusals. */
export function sending(form, row) {
  const key = form.elements.namedItem("key");
  const rows = () => document.getElementById("latest-rows");
  const lines = new Map(); // of the calls that stand in the list
  const parked = []; // what is to come back as soon as the row is free
  let returned = null; // what came back last

  // Sent again as it was it is the same call, under its key stored once; changed, it is another.
  const OURS = new Set(["csrfmiddlewaretoken", "typed_by", "key"]);
  const same = (one, other) => {
    const words = (fields) => JSON.stringify(fields.filter(([name, value]) => value && name !== "told" && !OURS.has(name)).sort());
    return words(one) === words(other);
  };
  const typed = (submitter) => [...new FormData(form, submitter)].filter(([name, value]) => typeof value === "string" && !OURS.has(name));

  function send(submitter) {
    const fields = typed(submitter);
    const again = returned?.key && same(returned.fields, fields) ? returned : null;
    const name = document.querySelector("#chosen .fx-o1 b")?.textContent ?? new Map(fields).get("caller");
    add(fields, { name, key: again?.key ?? (key.value || uuid()), at: again?.at, tried: again?.tried });
    key.value = uuid();
    returned = null;
    row.clear();
    bringBackNext();
  }

  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "search") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    send(event.submitter);
  }, { capture: true });

  // ── In the list ─────────────────────────────────────────────────────────
  function lineOf(call) {
    if (lines.has(call.key)) return lines.get(call.key);
    const line = document.getElementById("pending-row").content.cloneNode(true).firstElementChild;
    line.querySelector("time").textContent = new Date(call.at).toLocaleTimeString("fr-BE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Brussels" });
    line.querySelector("b").textContent = call.name;
    for (const button of line.querySelectorAll("button")) {
      button.addEventListener("click", async () => {
        if (!(await takeBack(call))) return; // it is on its way
        parked.push(call);
        bringBackNext();
      });
    }
    lines.set(call.key, line);
    return line;
  }

  function draw() {
    for (const [known, line] of lines) {
      if (!calls.some((call) => call.key === known)) lines.delete(known), line.remove();
    }
    for (const call of calls) {
      const line = lineOf(call);
      for (const state of line.querySelectorAll("[data-state]")) {
        state.hidden = state.dataset.state !== (isAsking(call) ? "asking" : call.state);
      }
      if (!line.isConnected) rows()?.prepend(line);
    }
  }

  document.addEventListener("queue-changed", draw);
  document.body.addEventListener("htmx:afterSwap", draw); // the desk's list knows nothing of what is under way

  document.addEventListener("call-answered", ({ detail: { html } }) => {
    // One that went out twice is answered with the row that stands there already.
    const known = /<tr id="(contact-\d+)"/.exec(html);
    if (known) document.getElementById(known[1])?.remove();
    htmx.swap("#latest-rows", html, { swapStyle: "afterbegin" });
    document.body.dispatchEvent(new CustomEvent("call-saved"));
  });

  // ── Back into the row ───────────────────────────────────────────────────
  document.addEventListener("call-refused", ({ detail: call }) => {
    const said = new DOMParser().parseFromString(call.why.html, "text/html").querySelectorAll(".fx-err");
    const errors = call.why.status === 422 ? [...said].filter((place) => place.textContent.trim()) : [];
    lineOf(call).querySelector("[data-why]").textContent = errors.map((place) => place.textContent.trim()).join(" ");
    if (row.busy()) return;
    takeBack(call);
    bringBack(call);
    for (const place of errors) document.getElementById(place.id).textContent = place.textContent.trim();
    row.refused();
    if (errors.length) return;
    const submitter = form.querySelector(`button[value="${new Map(call.fields).get("outcome") ?? "informed"}"]`);
    form.dispatchEvent(new CustomEvent("not-saved", { bubbles: true, detail: { notice: "notice-error", submitter } }));
  });

  function bringBack(call) {
    row.put(call.fields.filter(([name]) => name !== "told" && !OURS.has(name)));
    returned = call;
  }

  function bringBackNext() {
    if (parked.length && !row.busy()) bringBack(parked.shift());
  }
  form.addEventListener("input", () => {
    if (returned && !row.busy()) returned = null;
  });

  // A page that died before it could wipe what it had kept shows as a draft what is already on its way.
  function wipeWhatIsSent() {
    const without = (fields) => fields.filter(([name]) => name !== "outcome");
    if (row.busy() && calls.some((call) => call.tried && same(without(call.fields), without(typed())))) row.clear();
  }
  document.addEventListener("queue-loaded", wipeWhatIsSent);
  form.addEventListener("draft-restored", wipeWhatIsSent);

  // ── Undo ────────────────────────────────────────────────────────────────
  document.body.addEventListener("call-undone", (event) => {
    const { elt: _elt, ...fields } = event.detail;
    parked.push({ fields: Object.entries(fields) });
    bringBackNext();
  });

  setInterval(() => {
    for (const line of document.querySelectorAll("[data-undo]")) {
      line.dataset.undo -= 1;
      const seconds = line.querySelector("[data-seconds]");
      if (line.dataset.undo > 0 && seconds) {
        seconds.textContent = line.dataset.undo;
      } else {
        line.querySelector(".fx-call-undo")?.remove();
        line.classList.remove("is-undo");
        delete line.dataset.undo;
      }
    }
  }, 1000);
}
