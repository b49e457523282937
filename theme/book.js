(() => {
  // What scrolls in itself can be scrolled by keyboard, in every browser.
  const wide = ".bd-article :is(pre, table, div.math, mjx-container, .cell_output, .output)";

  function makeFocusable() {
    for (const part of document.querySelectorAll(wide)) {
      const { overflowX, overflowY } = getComputedStyle(part);
      const scrolls =
        (part.scrollWidth > part.clientWidth && /auto|scroll/.test(overflowX)) ||
        (part.scrollHeight > part.clientHeight && /auto|scroll/.test(overflowY));
      if (scrolls) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    }
  }

  // The text changes its size with the window, with a sidebar, with an answer that is unfolded.
  addEventListener("load", () => {
    const text = document.querySelector(".bd-article");
    if (text) new ResizeObserver(makeFocusable).observe(text);
  });

  // Opened from a folder a page may not fetch those it found: the search names them without excerpts.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // Paper is white, whatever the screen is.
  const root = document.documentElement.dataset;
  addEventListener("beforeprint", () => {
    root.themeOnScreen = root.theme;
    root.theme = "light";
  });
  addEventListener("afterprint", () => {
    root.theme = root.themeOnScreen;
  });
})();
