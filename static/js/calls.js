import "./answers.js";
import { sending } from "./sending.js";

// The agent's page: the caller's box, the keys, and what follows a saved call. Everything here is a
// shortcut: without it the same form posts, looks up and saves.

// "3 minutes ago", in the reader's language, without asking the server.
const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });

function ages() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const minutes = Math.round((Date.parse(time.dateTime) - Date.now()) / 60000);
    if (minutes > -60) time.textContent = ago.format(minutes, "minute");
    else if (minutes > -1440) time.textContent = ago.format(Math.round(minutes / 60), "hour");
    else time.textContent = ago.format(Math.round(minutes / 1440), "day");
  }
}
ages();
setInterval(ages, 20000);
document.body.addEventListener("htmx:afterSettle", ages);

const form = document.getElementById("log");
if (form) {
  const box = form.elements.namedItem("caller");
  const pharmacy = document.getElementById("pharmacy");
  const told = document.getElementById("told");
  const slot = document.getElementById("caller-slot");
  const found = document.getElementById("found");
  const chosen = () => form.elements.namedItem("incident").value;
  const singleKeys = document.body.dataset.singleKeys === "on";

  // ── The caller ──────────────────────────────────────────────────────────
  const options = () => [...slot.querySelectorAll("[role=option]")];
  const active = () => slot.querySelector("[role=option][aria-selected=true]");

  function activate(option) {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (option) {
      box.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  }

  function close() {
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    found.textContent = "";
  }

  let asking = false; // the answer about what the box says is on its way
  let awaited = false; // Enter came before it
  let saving = null; // and then this button too, by its key
  const AWAITED = 1000; // milliseconds; then the call is saved as it was typed

  function answered() {
    if (awaited && active() && options().length === 1) choose(active());
    asking = awaited = false;
    if (saving && options().length > 1) saving = null; // she is asked
    saveNow();
  }

  function save(button) {
    saving = button;
    if (awaited) setTimeout(() => saving === button && saveNow(), AWAITED);
    else saveNow();
  }

  // A click, for htmx sends the value of the button that was clicked.
  function saveNow() {
    const button = saving;
    saving = null;
    button?.click();
  }

  // Several pharmacies behind one number are never picked from for the agent: she asks.
  function shown() {
    const list = document.getElementById("sugg");
    box.setAttribute("aria-expanded", String(Boolean(list)));
    found.textContent = list?.dataset.found ?? "";
    activate(list && !("ask" in list.dataset) ? options()[0] : null);
    if (NUMBER.test(box.value)) strange = list?.querySelector("[data-number]") ? "" : box.value.trim();
    answered();
  }

  // A number that nobody has, while the pharmacy is looked up by its name: it can be attached with one key.
  const NUMBER = /^[\d\s+()./-]{7,}$/;
  let strange = "";

  function offerNumber(card) {
    const offer = document.getElementById("attach-form")?.content.cloneNode(true).firstElementChild;
    if (!strange || !offer || "number" in card.dataset) return;
    const button = offer.querySelector("button");
    button.setAttribute("hx-post", button.dataset.url.replace("/0/", `/${card.dataset.pharmacy}/`));
    button.setAttribute("hx-vals", JSON.stringify({ number: strange }));
    offer.querySelector("[data-number]").textContent = strange;
    card.append(offer);
    htmx.process(offer);
    strange = "";
  }

  function choose(option) {
    const card = document.createElement("div");
    card.className = "fx-chosen";
    card.id = "chosen";
    Object.assign(card.dataset, option.dataset);
    card.append(...option.childNodes);
    slot.replaceChildren(card);
    pharmacy.value = option.dataset.pharmacy;
    asking = awaited = false;
    close();
    known(card);
    pharmacy.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  function known(card) {
    const number = form.elements.namedItem("callback_number");
    if (!number.value) number.value = NUMBER.test(box.value) ? box.value.trim() : strange || card.dataset.phone;
    pick("language", card.dataset.language);
    sayIn(card.dataset.language);
    offerNumber(card);
  }

  function forget() {
    if (!pharmacy.value) return;
    pharmacy.value = "";
    form.elements.namedItem("callback_number").value = "";
  }

  box.addEventListener("input", () => {
    asking = Boolean(box.value.trim());
    awaited = false;
    forget();
    if (!asking) empty();
  });

  function empty() {
    const hint = document.createElement("p");
    hint.className = "fx-hint fx-3";
    hint.textContent = slot.dataset.hint;
    slot.replaceChildren(hint);
    asking = awaited = false;
    close();
  }

  slot.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault(); // the box keeps the focus
    choose(option);
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = options();
    const at = all.indexOf(active());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!all.length) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      activate(all[at < 0 && step < 0 ? all.length - 1 : (at + step + all.length) % all.length]);
    } else if (event.key === "Enter") {
      if (asking) awaited = true;
      else if (active()) choose(active());
    } else if (event.key === "Escape") {
      if (pharmacy.value) forget();
      if (!slot.childElementCount) return;
      empty();
    } else {
      return;
    }
    event.preventDefault();
  });

  form.querySelector("[name=search]").addEventListener("click", (event) => {
    event.preventDefault();
    box.focus();
    lookUp({ caller: box.value });
  });

  function lookUp(values) {
    htmx.ajax("GET", box.getAttribute("hx-get"), { source: slot, target: slot, swap: "innerHTML", values: { incident: chosen(), ...values } });
  }

  // ── Choices ─────────────────────────────────────────────────────────────
  const radios = (name) => [...form.querySelectorAll(`input[type=radio][name=${name}]`)];

  // Never by form.elements: of one radio, or none, that is another thing than of several.
  const picked = (name) => radios(name).find((radio) => radio.checked)?.value ?? "";

  function pick(name, value) {
    for (const radio of radios(name)) radio.checked = radio.value === value;
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function next(name) {
    const all = radios(name);
    pick(name, all[(all.findIndex((radio) => radio.checked) + 1) % all.length].value);
    if (name === "language") sayIn(picked("language"));
  }

  // A topic chosen twice is no topic; a radio alone cannot be let go of.
  form.addEventListener("mousedown", (event) => {
    const chip = event.target.closest(".fx-chip");
    const radio = chip && document.getElementById(chip.htmlFor);
    if (radio?.checked) {
      chip.addEventListener("click", (click) => (click.preventDefault(), pick("service", "")), { once: true });
    }
  });

  function urgent() {
    pick("impact", "patient_waiting");
    form.elements.namedItem("needed_by").focus();
    lines();
  }

  function callBack() {
    const wanted = form.elements.namedItem("callback");
    wanted.checked = !wanted.checked;
    wanted.dispatchEvent(new Event("input", { bubbles: true }));
    if (wanted.checked && !form.elements.namedItem("callback_number").value) {
      form.elements.namedItem("callback_number").focus();
    }
  }

  // What is switched on stands out, and a time is asked only where one is needed.
  function lines() {
    const waiting = picked("impact") === "patient_waiting";
    document.getElementById("urgent-line").classList.toggle("is-on", waiting);
    const at = form.elements.namedItem("callback_at");
    at.hidden = form.elements.namedItem("callback_window").value !== "at";
  }
  form.addEventListener("input", lines);
  form.addEventListener("change", lines);
  for (const name of ["needed_by", "urgent_kind"]) {
    form.elements.namedItem(name).addEventListener("input", (event) => {
      if (event.target.value) pick("impact", "patient_waiting");
    });
  }
  for (const radio of radios("language")) radio.addEventListener("change", () => sayIn(radio.value));

  // ── What to say ─────────────────────────────────────────────────────────
  const say = () => document.getElementById("say");

  // *panel* anew. What is on its way for it is overtaken: put in its place, it would leave this answer none. The source is
  // what no swap takes away, and another for each panel: of what waits behind one htmx keeps the last alone.
  function renew(panel, values, swap = "outerHTML") {
    const source = panel.parentElement;
    for (const asking of [panel, source]) htmx.trigger(asking, "htmx:abort");
    const answer = htmx.ajax("GET", panel.getAttribute("hx-get").split("?")[0], { source, target: panel, swap, values });
    answer.catch(() => {}); // overtaken, or no answer came: htmx has told of it
  }

  // While an answer is on its way the panel still shows what was asked before it.
  function sayIn(language, incident = chosen()) {
    const panel = say();
    const asking = panel.parentElement.classList.contains("htmx-request");
    if (!language || (!asking && language === panel.dataset.language && incident === panel.dataset.incident)) return;
    const heard = incident === panel.dataset.incident ? told.value : "";
    renew(panel, { incident, language, told: heard }, "outerHTML settle:0ms");
  }

  // The contact keeps the version the agent tells: the server knows which one she has confirmed. The panel settles at
  // once (settle:0ms): htmx leaves it its old attributes for a moment otherwise, and a call saved then the old version.
  function heard(number) {
    told.value = number;
    const note = document.getElementById("will-note");
    note.hidden = !number;
    note.querySelector("b").textContent = number;
  }

  // The panel and the list are about the incident that is chosen in the row.
  function follow() {
    if (chosen() !== say().dataset.incident) heard("");
    sayIn(say().dataset.language);
    renew(document.getElementById("latest"), { incident: chosen() });
  }

  form.elements.namedItem("incident").addEventListener("change", follow);

  // Confirmed by mouse the keyboard goes back to the caller; by key it has never left.
  document.addEventListener("click", (event) => {
    if (event.target.closest("#have-read") && event.detail) box.focus();
  });

  // ── Keys. By event.code for digits: on AZERTY they stand on Shift, and two of them are é and è ───────
  const ONE_WORD = { digit: 1500, letter: 700 }; // milliseconds between two keys
  let lastKey = null;

  function digit(event) {
    const inBox = document.activeElement === box;
    if ((inBox && box.value && !pharmacy.value) || (!inBox && typing())) return false;
    const before = picked("service");
    const written = /^\d$/.test(event.key) ? "digit" : /^\p{L}$/u.test(event.key) ? "letter" : "";
    // Two digits one after the other in the empty box are a number being typed, no topics; "é" and another letter, a word.
    if (inBox && !pharmacy.value && lastKey?.kind === written && event.timeStamp - lastKey.at < ONE_WORD[written]) {
      pick("service", lastKey.before);
      box.value = lastKey.key + event.key;
      lastKey = null;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      return true;
    }
    const match = /^(?:Digit|Numpad)([1-8])$/.exec(event.code) ?? /^([1-8])$/.exec(event.key);
    const radio = match && radios("service")[Number(match[1]) - 1];
    lastKey = radio && written ? { key: event.key, kind: written, at: event.timeStamp, before } : null;
    if (!radio) return false;
    pick("service", before === radio.value ? "" : radio.value);
    return true;
  }

  function typing() {
    const focused = document.activeElement;
    return focused?.matches("input:not([type=radio]):not([type=checkbox]), textarea, select") ?? false;
  }

  function incidentAt(index) {
    const select = form.elements.namedItem("incident");
    if (index >= select.options.length) return false;
    select.selectedIndex = index;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  function shortcut(event) {
    const { key, code } = event;
    if ((event.ctrlKey || event.metaKey) && key === "Enter") {
      if (!event.repeat) save(document.getElementById(event.shiftKey ? "escalate" : "save")); // not again while it is held
      return true;
    }
    if (event.altKey && !event.ctrlKey && !event.metaKey) {
      // On a Mac, Option+U types a letter: the key's place counts, not what it writes.
      if (code === "KeyU" || key.toLowerCase() === "u") return urgent(), true;
      if (code === "KeyN") return document.querySelector("#attach-number button")?.click(), true;
      if (code === "KeyR" || key.toLowerCase() === "r") return callBack(), true;
      const place = /^Digit([1-9])$/.exec(code);
      return place ? incidentAt(Number(place[1]) - 1) : false;
    }
    if (event.ctrlKey || event.metaKey) return false;
    if (key === "F2") return next("channel"), true;
    if (key === "F3") return next("language"), true;
    if (key === "F4") return next("impact"), lines(), true;
    if (key === "F8" && document.getElementById("have-read")) return document.getElementById("have-read").click(), true;
    if (!singleKeys) return false;
    if (key === "?" && (!typing() || (document.activeElement === box && !box.value))) {
      document.getElementById("keys").showModal();
      return true;
    }
    return digit(event);
  }

  // Before the page's own: here Alt+2 chooses the row's incident instead of leaving for its room.
  document.addEventListener("keydown", (event) => {
    if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) saveNow(); // she is at the next call
    if (event.isComposing || document.querySelector("dialog[open]") || !shortcut(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });

  // ── Saved, or refused ───────────────────────────────────────────────────
  function clear() {
    for (const name of ["caller", "pharmacy", "needed_by", "callback_number", "callback_at", "note", "urgent_kind"]) {
      form.elements.namedItem(name).value = "";
    }
    form.elements.namedItem("callback").checked = false;
    // The incident stays for the next call; that alone is no draft.
    for (const option of form.elements.namedItem("incident").options) option.defaultSelected = option.selected;
    form.elements.namedItem("callback_window").value = "recovery";
    pick("channel", "phone");
    pick("impact", "info");
    pick("language", "");
    pick("service", "");
    refusals(true);
    saving = null;
    strange = "";
    empty();
    lines();
    box.focus();
  }

  // A call that comes back into the row: refused, not sent, or undone.
  function put(fields) {
    const values = new Map(fields);
    for (const [name, value] of values) {
      const field = form.elements.namedItem(name);
      if (radios(name).length) pick(name, value);
      else if (field?.type === "checkbox") field.checked = true;
      else if (field && field.type !== "submit" && name !== "csrfmiddlewaretoken") field.value = value;
    }
    empty();
    if (chosen() !== say().dataset.incident) follow();
    if (values.get("pharmacy")) lookUp({ pharmacy: values.get("pharmacy"), caller: box.value });
    lines();
    form.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  // The browser keeps what the page needs to open without the desk. Where it cannot (no TLS, a private window), the page
  // needs the desk to open, and is as before otherwise.
  const worker = navigator.serviceWorker;
  const renewCopy = () => worker?.ready.then(({ active }) => active.postMessage("renew"));
  worker?.register(form.dataset.worker, { scope: form.dataset.page }).then(renewCopy, () => {});
  let copied = say().dataset.number;
  document.body.addEventListener("htmx:afterSettle", () => {
    if (!say() || say().dataset.number === copied) return;
    copied = say().dataset.number;
    renewCopy();
  });

  const busy = () => ["caller", "pharmacy", "needed_by", "callback_number", "note"].some((name) => form.elements.namedItem(name).value);
  sending(form, { clear, put, busy, refused: refusals });

  function refusals(forgotten = false) {
    let first = null;
    for (const place of form.querySelectorAll(".fx-err")) {
      if (forgotten) place.textContent = "";
      const field = form.elements.namedItem(place.id.replace("err-", ""));
      if (!(field instanceof HTMLElement)) continue;
      if (place.textContent.trim()) {
        field.setAttribute("aria-invalid", "true");
        first ??= field;
      } else {
        field.removeAttribute("aria-invalid");
      }
    }
    first?.focus();
  }

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // An answer about a caller who was saved or wiped meanwhile, or about what the box no longer says.
    if (event.detail.target !== slot) return;
    const asked = event.detail.requestConfig?.parameters?.caller;
    const other = typeof asked === "string" && asked.trim() !== box.value.trim();
    const unasked = event.detail.requestConfig?.elt === box && !asking; // chosen, or let be, meanwhile
    if (other || unasked || (!box.value.trim() && !pharmacy.value)) event.detail.shouldSwap = false;
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== slot) return;
    const card = document.getElementById("chosen");
    if (card) known(card);
    else shown();
  });
  box.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful || !asking) return;
    empty(); // what stands there is about what the box said before
    saveNow();
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (say() && told.value !== say().dataset.told) heard(say().dataset.told);
  });

  // A draft put back brings its pharmacy as a number only.
  function restored() {
    if ((document.getElementById("chosen")?.dataset.pharmacy ?? "") !== pharmacy.value) {
      empty();
      if (pharmacy.value) lookUp({ pharmacy: pharmacy.value, caller: box.value });
    }
    lines();
    if (chosen() === say().dataset.incident) heard(say().dataset.told);
    else follow();
  }
  window.addEventListener("load", restored);
  form.addEventListener("draft-restored", restored);
  if (document.activeElement === document.body) box.focus();
}
