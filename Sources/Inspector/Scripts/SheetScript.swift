/// Pages that follow each other as the reader scrolls; those far away leave the document and come back.
enum SheetScript {
    static let text: StaticString = #"""
        // Fetches the next page before the reader gets there; keeps only pages near the view in the document.
        const near = "1800px";
        const counter = document.getElementById("count");
        let pager = document.querySelector(".pager");
        let loading = false;
        let failed = false;

        // A page of cards that left the view, with the height it had.
        const away = new Map();
        const keeper = new IntersectionObserver((entries) => {
          for (const { target, isIntersecting } of entries) {
            if (isIntersecting && away.has(target)) {
              target.append(...away.get(target));
              away.delete(target);
              target.style.height = "";
            } else if (!isIntersecting && !away.has(target) && !target.contains(document.activeElement)) {
              target.style.height = target.offsetHeight + "px";
              away.set(target, [...target.children]);
              target.replaceChildren();
            }
          }
        }, { rootMargin: "6000px 0px" });

        async function extend() {
          const next = pager && pager.querySelector("a[rel=next]");
          if (!next || loading || failed) return;
          loading = true;
          try {
            const response = await fetch(next.href);
            if (!response.ok) throw new Error(response.status);
            const page = new DOMParser().parseFromString(await response.text(), "text/html");
            const grid = page.querySelector(".grid");
            if (grid) {
              pager.before(grid);
              keeper.observe(grid);
            }
            const following = page.querySelector(".pager");
            const old = pager;
            pager = following;
            if (following) old.replaceWith(following); else old.remove();
            if (pager) end.observe(pager);
          } catch (error) {
            failed = true;
            document.getElementById("status").textContent = "the next page could not be loaded";
          }
          loading = false;
        }

        const end = new IntersectionObserver((entries) => {
          if (entries.some((entry) => entry.isIntersecting)) extend();
        }, { rootMargin: near + " 0px" });

        for (const grid of document.querySelectorAll(".grid")) keeper.observe(grid);
        if (pager && counter) end.observe(pager);

        // A choice counts at once; what is typed counts on Enter.
        const filters = document.getElementById("filters");
        filters?.addEventListener("change", (event) => {
          if (event.target.matches("select")) filters.requestSubmit();
        });
        // Empty fields stay out of the address.
        filters?.addEventListener("formdata", (event) => {
          for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
        });
        """#
}
