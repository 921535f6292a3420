/* Shows FarmaFlux' state above your page, only while something is wrong. docs/banner.md tells how. No cookie, no tracking. */
(() => {
  const script = document.currentScript;
  const site = new URL("/", script.src).origin;
  const language = ["fr", "nl", "de", "en"].find((one) => one === (script.dataset.lang || document.documentElement.lang || "").slice(0, 2)) || "fr";
  let shown = null;
  let known = "";

  function frame() {
    const made = document.createElement("iframe");
    made.title = "FarmaFlux";
    made.style.cssText = "display:block;width:100%;height:4.5rem;border:0";
    const place = document.querySelector(script.dataset.into || "body");
    place.prepend(made);
    return made;
  }

  async function look() {
    try {
      const answer = await fetch(site + "/api/v2/status.json", { credentials: "omit" });
      const told = await answer.json();
      const state = told.status.indicator + told.page.updated_at;
      if (told.status.indicator === "none") {
        shown?.remove();
        shown = null;
      } else if (!shown || state !== known) {
        shown ??= frame();
        shown.src = `${site}/banner/${language}.htm?${encodeURIComponent(state)}`;
      }
      known = state;
    } catch {
      // The page that shows the banner goes on without it; the next look is in a minute.
    }
  }

  look();
  setInterval(look, 60000);
})();
