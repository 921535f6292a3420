/* Shows FarmaFlux' state above your page, only while something is wrong. docs/banner.md tells how. No cookie, no tracking. */
(() => {
  const script = document.currentScript;
  const language = ["fr", "nl", "de", "en"].find((one) => one === (script.dataset.lang || document.documentElement.lang || "").slice(0, 2)) || "fr";
  const address = new URL(`/banner/${language}.htm`, script.src).href;
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
      const answer = await fetch(address, { credentials: "omit" });
      if (!answer.ok) return;
      const told = (await answer.text()).replace(/<small>.*?<\/small>/s, "");
      if (told.includes('<body class="none"><!--notice--><!--/notice-->')) {
        shown?.remove();
        shown = null;
      } else if (!shown || told !== known) {
        shown ??= frame();
        shown.src = `${address}?${Date.now()}`;
      }
      known = told;
    } catch {
      // The page that shows the banner goes on without it; the next look is in a minute.
    }
  }

  look();
  setInterval(look, 60000);
})();
