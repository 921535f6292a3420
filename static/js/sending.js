// A saved call leaves the row at once: the next one can be typed while the desk is still answering. Until it has
// answered, the call stands in the list as being saved and in this browser as a draft of its own; what was refused or
// did not arrive comes back into the row under its key, at once where the row is free.

const PREFIX = `keep:${document.body.dataset.user}:`;
const LONGEST = 12 * 60 * 60 * 1000; // as drafts.js keeps

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is missing where there is no TLS
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const slot = (key) => `${PREFIX}sent:${key}`;

function hold(key, fields) {
  try {
    localStorage.setItem(slot(key), JSON.stringify({ at: Date.now(), key, fields }));
  } catch {
    // full, or switched off: then the page alone keeps it
  }
}

function letGo(key) {
  try {
    localStorage.removeItem(slot(key));
  } catch {
    // nothing was kept either
  }
}

function held() {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(`${PREFIX}sent:`))
      .map((name) => JSON.parse(localStorage.getItem(name)))
      .filter((call) => call && Date.now() - call.at < LONGEST)
      .sort((one, other) => one.at - other.at);
  } catch {
    return [];
  }
}

/** *row*: how the form is cleared, filled with [name, value] pairs, whether it holds a call, and shows refusals. */
export function sending(form, row) {
  const key = form.elements.namedItem("key");
  const rows = () => document.getElementById("latest-rows");
  const pending = new Map(); // what has left the row and not been answered: key → {fields, line}
  const parked = []; // what is to come back as soon as the row is free
  let returned = null; // what came back last

  // Sent again as it was it is the same call, under its key stored once; changed, it is another.
  const OURS = new Set(["csrfmiddlewaretoken", "typed_by", "key", "told"]);
  const same = (one, other) => {
    const words = (fields) => JSON.stringify(fields.filter(([name, value]) => value && !OURS.has(name)).sort());
    return words(one) === words(other);
  };

  function lineFor(fields) {
    const line = document.getElementById("pending-row").content.cloneNode(true).firstElementChild;
    const now = new Date();
    line.querySelector("time").textContent = now.toLocaleTimeString("fr-BE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Brussels" });
    const name = document.querySelector("#chosen .fx-o1 b")?.textContent;
    line.querySelector("b").textContent = name ?? new Map(fields).get("caller");
    return line;
  }

  function send(submitter) {
    const fields = [...new FormData(form, submitter)].filter(([, value]) => typeof value === "string");
    if (returned?.key && same(returned.fields, fields)) key.value = returned.key;
    settle();
    const call = { key: key.value, fields, line: lineFor(fields) };
    pending.set(call.key, call);
    hold(call.key, fields);
    rows().prepend(call.line);
    key.value = uuid();
    row.clear();
    const values = { ...Object.fromEntries(fields), key: call.key };
    htmx.ajax("POST", form.getAttribute("hx-post"), { source: call.line, target: "#latest-rows", swap: "afterbegin", values }).catch(() => {}); // told by its events
    bringBackNext();
  }

  const callOf = (event) => [...pending.values()].find((call) => call.line === event.detail.requestConfig?.elt);

  function leave(call) {
    pending.delete(call.key);
    call.line.remove();
  }

  // Not in the list as saved: back into the row, or beside it until the row is free.
  function failed(call, why, shown) {
    if (!row.busy()) {
      leave(call);
      bringBack(call);
      shown?.();
      return;
    }
    call.line.querySelector("[data-state=sending]").hidden = true;
    const state = call.line.querySelector("[data-state=refused]");
    state.hidden = false;
    state.querySelector("[data-why]").textContent = why;
    state.querySelector("button").addEventListener("click", () => {
      leave(call);
      parked.push(call);
      bringBackNext();
    });
    if (!call.line.isConnected) rows().prepend(call.line);
  }

  function bringBack(call) {
    row.put(call.fields.filter(([name]) => !OURS.has(name)));
    returned = call; // kept as a draft of its own until it is sent again, or wiped
  }

  function settle() {
    if (returned?.key) letGo(returned.key);
    returned = null;
  }
  form.addEventListener("input", () => returned && !row.busy() && settle());

  function bringBackNext() {
    if (parked.length && !row.busy()) bringBack(parked.shift());
  }

  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "search") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    send(event.submitter);
  }, { capture: true });

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const call = callOf(event);
    if (!call) return;
    if (event.detail.xhr.status === 422) {
      event.detail.shouldSwap = false;
      const said = new DOMParser().parseFromString(event.detail.serverResponse, "text/html").querySelectorAll(".fx-err");
      const errors = [...said].filter((place) => place.textContent.trim());
      failed(call, errors.map((place) => place.textContent.trim()).join(" "), () => {
        for (const place of errors) document.getElementById(place.id).textContent = place.textContent.trim();
        row.refused();
      });
    } else if (event.detail.xhr.status < 300) {
      // One that went out twice is answered with the row that stands there already.
      const known = /<tr id="(contact-\d+)"/.exec(event.detail.serverResponse ?? "");
      if (known) document.getElementById(known[1])?.remove();
      call.line.hidden = true;
      pending.delete(call.key);
      letGo(call.key);
      setTimeout(() => call.line.remove()); // htmx still looks from it for what else is to be swapped
    }
  });

  for (const type of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(type, (event) => {
      const call = callOf(event);
      const status = event.detail.xhr?.status ?? 0;
      if (!call || status === 422) return;
      const notice = status === 401 ? "notice-session" : status === 0 || status >= 502 ? "notice-offline" : "notice-error";
      const submitter = form.querySelector(`button[value="${new Map(call.fields).get("outcome") ?? "informed"}"]`);
      failed(call, "", () => form.dispatchEvent(new CustomEvent("not-saved", { bubbles: true, detail: { notice, submitter } })));
    });
  }

  // The list is drawn anew by the server, which knows nothing of what is still under way.
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const call of [...pending.values()].reverse()) {
      if (!call.line.isConnected) rows()?.prepend(call.line);
    }
  });

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

  // What a crash, a reload or a new sign-in has cut off: sent again only by her own hand, under the same key.
  parked.push(...held());
  window.addEventListener("load", () => {
    const typed = [...new FormData(form)];
    const here = parked.findIndex((call) => same(call.fields.filter(([name]) => name !== "outcome"), typed));
    if (here >= 0) [returned] = parked.splice(here, 1); // drafts.js has put it back already
    bringBackNext();
  });
}
