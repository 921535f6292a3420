// What someone typed is never lost. A <form data-keep="name"> is kept in this browser as it is typed, for its user
// alone and sealed with her key (vault.js); it comes back after a reload, and is let go once the server accepted it. A
// request that did not arrive is said where it happened, and can be tried again.

import * as vault from "./vault.js";

const LONGEST = 12 * 60 * 60 * 1000; // as long as a session
const FORM_BUSINESS = new Set(["csrfmiddlewaretoken", "typed_by", "key"]);
const user = document.body.dataset.user;
const answered = performance.getEntriesByType("navigation")[0]?.responseStatus ?? 200;
// Then the server itself shows what was typed, or what takes its place.
const refused = answered >= 400 || document.querySelector("form[data-keep][data-shown]") !== null;

// ── The drafts ────────────────────────────────────────────────────────────

const PREFIX = `keep:${user}:`;
const slot = (form) => PREFIX + form.dataset.keep;
const fieldsOf = (form) => [...form.elements].filter((field) => field.name && !FORM_BUSINESS.has(field.name));
const keyOf = (form) => form.querySelector("input[name=key]");

const EARLIER = "~"; // ends the place of a draft that could be read only when the form held other words already
const isOurs = (name) => name.startsWith(PREFIX) && !name.startsWith(`${PREFIX}sent:`); // those are calls (queue.js)

/** What lies there: {at, key, …}, then in clear {sent, fields}, or sealed {keyId, iv, data}. */
function stored(name) {
  try {
    const draft = JSON.parse(localStorage.getItem(name));
    return draft && Date.now() - draft.at < LONGEST ? draft : null;
  } catch {
    return null; // storage switched off, or something else lies there
  }
}

function store(name, draft) {
  try {
    localStorage.setItem(name, JSON.stringify(draft));
    return true;
  } catch {
    return false; // full, or switched off: then nothing may claim otherwise
  }
}

function drop(name) {
  pending.delete(name);
  try {
    localStorage.removeItem(name);
  } catch {
    // then nothing was kept either
  }
}

function names() {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith("keep:"));
  } catch {
    return [];
  }
}

// ── Sealed ────────────────────────────────────────────────────────────────
// It takes a moment. A page that goes in that moment, or has no key, leaves the text in clear rather than take it along;
// the next page of its author that has one seals it.

const pending = new Map(); // what is being sealed, by its place
const beside = (name, { at, key }) => `${name.replace(EARLIER, "")}|${at}|${key}`;
const letters = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Whether it is kept; of two that follow each other the earlier may never be. */
async function write(name, draft) {
  pending.set(name, draft);
  const { at, key, ...words } = draft;
  const sealed = vault.isOpen(user) ? await vault.seal(JSON.stringify(words), beside(name, draft)).catch(() => null) : null;
  if (pending.get(name) !== draft) return false;
  pending.delete(name);
  return store(name, sealed ? { at, key, keyId: sealed.keyId, iv: letters(sealed.iv), data: letters(sealed.data) } : draft);
}

/** The draft in clear; null when its author's keys do not open it. Waits for them, for ever if need be. */
async function read(name, draft) {
  await vault.opened;
  const text = await vault.unseal({ ...draft, iv: bytes(draft.iv), data: bytes(draft.data) }, beside(name, draft));
  return text && { at: draft.at, key: draft.key, ...JSON.parse(text) };
}

vault.opened.then(() => {
  for (const name of names().filter(isOurs)) {
    const draft = stored(name);
    if (draft && !draft.data && !pending.has(name)) write(name, draft);
  }
});

/** Everything typed here is sealed. */
export async function sealed() {
  if (vault.isLocked()) await vault.opened;
  while (pending.size && vault.isOpen(user)) await new Promise((done) => setTimeout(done, 5));
}

// A field shown to the person that differs from how the server rendered it.
function changed(field) {
  if (["hidden", "submit", "button", "file", "password"].includes(field.type)) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field instanceof HTMLSelectElement) {
    const options = [...field.options];
    const byServer = options.some((option) => option.defaultSelected);
    return options.some((option, at) => option.selected !== (byServer ? option.defaultSelected : at === 0));
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}

function typedIn(form) {
  const typed = [];
  for (const field of fieldsOf(form)) {
    if (["submit", "button", "file", "password"].includes(field.type)) continue;
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked) typed.push([field.name, field.value]);
    } else {
      typed.push([field.name, field.value]);
    }
  }
  return typed;
}

async function keep(form, { sent = false } = {}) {
  const name = slot(form);
  const kept = form.querySelector("[data-kept]");
  if (!fieldsOf(form).some(changed)) {
    if (!refused && !unread.has(name)) drop(name);
    kept?.replaceChildren();
    return;
  }
  if (unread.delete(name) && stored(name)) store(name + EARLIER, stored(name));
  const draft = { at: Date.now(), key: keyOf(form)?.value ?? "", sent, fields: typedIn(form) };
  const done = await write(name, draft);
  const word = document.getElementById("notice-kept");
  if (kept && word && done) kept.replaceChildren(...filled(word, draft.at).childNodes);
}

function put(form, fields) {
  const left = new Map();
  for (const [name, value] of fields) left.set(name, [...(left.get(name) ?? []), value]);
  for (const field of fieldsOf(form)) {
    if (["submit", "button", "file", "password"].includes(field.type)) continue;
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = left.get(field.name)?.includes(field.value) ?? false;
    } else if (left.get(field.name)?.length) {
      const value = left.get(field.name).shift();
      const offered = !(field instanceof HTMLSelectElement) || [...field.options].some((o) => o.value === value);
      if (offered) field.value = value;
    }
  }
}

const seen = new WeakSet();
const unread = new Set(); // places whose drafts wait for the key, until other words are typed there

async function restore(form) {
  if (!user || seen.has(form) || refused) return;
  seen.add(form);
  const name = [slot(form), slot(form) + EARLIER].find(stored);
  if (!name) return;
  let draft = stored(name);
  if (draft.data) {
    unread.add(slot(form));
    draft = await read(name, draft);
    if (!unread.delete(slot(form))) return offer(form, draft);
  }
  if (!draft || !form.isConnected) return;
  bringBack(form, draft);
  if (name !== slot(form)) {
    drop(name);
    keep(form);
  }
  const earlier = stored(slot(form) + EARLIER);
  if (earlier) offer(form, earlier.data ? await read(slot(form) + EARLIER, earlier) : earlier);
}

function bringBack(form, draft) {
  const before = typedIn(form);
  put(form, draft.fields);
  if (!fieldsOf(form).some(changed)) {
    put(form, before); // the same words: the hidden fields stay as the server gave them
    drop(slot(form));
    return;
  }
  // Sent, and no answer came: under the same key it cannot be stored twice. Once edited it is another text.
  const key = keyOf(form);
  if (draft.sent && draft.key && key) {
    const fresh = key.value;
    key.value = draft.key;
    form.addEventListener("input", () => (key.value = fresh), { once: true });
  }
  const notice = show("notice-restored", form, draft.at);
  notice?.querySelector("button")?.addEventListener("click", () => {
    drop(slot(form));
    location.reload();
  });
  form.dispatchEvent(new CustomEvent("draft-restored", { bubbles: true }));
}

// What she types now stays. The earlier words come when she asks for them, and these then wait in their place.
function offer(form, earlier) {
  if (!earlier) return;
  const notice = show("notice-earlier", form, earlier.at);
  notice?.querySelector("button")?.addEventListener("click", () => {
    const now = { at: Date.now(), key: "", sent: false, fields: typedIn(form) };
    const typed = fieldsOf(form).some(changed);
    notice.remove();
    drop(slot(form) + EARLIER);
    bringBack(form, earlier);
    keep(form);
    if (!typed) return;
    write(slot(form) + EARLIER, now);
    offer(form, now);
  });
}

function restoreAll(root) {
  const forms = [...(root.querySelectorAll?.("form[data-keep]") ?? [])];
  if (root.matches?.("form[data-keep]")) forms.push(root);
  return Promise.all(forms.map(restore));
}

function letGo(form) {
  drop(slot(form));
  form.querySelector("[data-kept]")?.replaceChildren();
}

if (user) {
  for (const type of ["input", "change"]) {
    document.addEventListener(type, (event) => {
      const form = event.target instanceof Element && event.target.closest("form[data-keep]");
      if (form) keep(form);
    });
  }
  addEventListener("pagehide", () => {
    for (const [name, draft] of pending) store(name, draft);
  });
}

// A form sent without htmx: with the token of the newest sign-in, and kept until the server has accepted it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  const token = form.querySelector("input[name=csrfmiddlewaretoken]");
  const newest = document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1];
  if (token && newest) token.value = newest;
  if (user && form.matches("[data-keep]")) keep(form, { sent: true });
}, { capture: true });

function letGoOfAccepted() {
  const accepted = document.cookie.match(/(?:^|; )accepted=([^;]*)/)?.[1];
  if (accepted) document.cookie = "accepted=; Max-Age=0; path=/; SameSite=Lax";
  for (const name of names()) {
    const draft = stored(name);
    if (!draft || (accepted && draft.key === accepted)) drop(name);
  }
}

// ── Notices ───────────────────────────────────────────────────────────────

function filled(template, at) {
  const copy = template.content.cloneNode(true);
  const time = new Date(at).toLocaleTimeString("fr-BE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Brussels" });
  for (const place of copy.querySelectorAll("time")) place.textContent = time;
  return copy;
}

// At the head of *place*, once; the newest replaces one of its kind.
function show(id, place, at = Date.now()) {
  const template = document.getElementById(id);
  if (!template || !place) return null;
  const notice = filled(template, at).firstElementChild;
  notice.dataset.notice = id;
  clear(place, id);
  place.prepend(notice);
  return notice;
}

function clear(place, ...ids) {
  for (const notice of place?.querySelectorAll("[data-notice]") ?? []) {
    if (!ids.length || ids.includes(notice.dataset.notice)) notice.remove();
  }
}

const page = () => document.getElementById("notices");

// Was it the form's own sending, and not a check or a look-up on the way?
function formSent({ elt, requestConfig }) {
  const form = elt?.closest?.("form");
  const action = form?.getAttribute("action");
  const path = (address) => new URL(address, location.href).pathname;
  return action && requestConfig?.verb === "post" && path(requestConfig.path) === path(action) ? form : null;
}

// Said once: above the form that could not be sent, or else at the head of the page.
function sessionEnded(form) {
  if (form) {
    clear(page(), "notice-session");
    clear(form);
    show("notice-session", form);
  } else if (!document.querySelector("[data-notice=notice-session]")) {
    show("notice-session", page());
  }
}

function notSaved(id, form, submitter) {
  clear(form);
  const notice = show(id, form);
  notice?.querySelector("button")?.addEventListener("click", () => {
    notice.remove();
    form.requestSubmit(submitter?.isConnected ? submitter : undefined);
  });
  notice?.scrollIntoView({ block: "nearest" });
}

// A form that sends itself in its own way tells here that it could not.
document.addEventListener("not-saved", (event) => {
  if (event.detail.notice === "notice-session") sessionEnded(event.target);
  else notSaved(event.detail.notice, event.target, event.detail.submitter);
});

let lastAnswer = Date.now();

function failed(event) {
  const { xhr, requestConfig } = event.detail;
  const form = formSent(event.detail);
  const status = xhr?.status ?? 0;
  if (status === 401) {
    sessionEnded(form);
  } else if (form) {
    const cut = status === 0 || status >= 502;
    notSaved(cut ? "notice-offline" : "notice-error", form, requestConfig?.triggeringEvent?.submitter);
  } else if ((status === 0 || status >= 500) && !page()?.querySelector("[data-notice=notice-stale]")) {
    show("notice-stale", page(), lastAnswer);
  }
}

for (const type of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(type, failed);

document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr?.status ?? 0;
  if (status < 200 || status >= 500 || status === 401) return;
  lastAnswer = Date.now();
  clear(page(), "notice-session", "notice-stale");
  const form = formSent(event.detail);
  if (!form || status >= 300) return;
  clear(form);
  if (form.matches("[data-keep]")) letGo(form);
});

document.addEventListener("htmx:load", (event) => restoreAll(event.detail.elt));

letGoOfAccepted();
addEventListener("pageshow", (event) => event.persisted && letGoOfAccepted());
/** Settled once every draft of this page is back in its form. */
export const restored = restoreAll(document);
