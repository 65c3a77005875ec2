/// The inspector's script: sorts, filters and pages the contact sheet, and opens sample cards.
///
/// Text enters the page as text nodes only.
enum Script {
    static let inspector: StaticString = """
        //<![CDATA[
        (function () {
          "use strict";
          const find = (id) => document.getElementById(id);
          const data = JSON.parse(find("rows").textContent);
          const sheet = find("sheet"), more = find("more"), shown = find("shown"), card = find("card");
          const chunk = 240;
          let order = [], next = 0;
          const observer = new IntersectionObserver((entries) => {
            if (entries.some((entry) => entry.isIntersecting) && next < order.length) extend();
          }, { rootMargin: "600px" });

          function noise(seed, index) {
            let x = (seed ^ Math.imul(index + 1, 0x9e3779b1)) | 0;
            x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
            x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
            return (x ^ (x >>> 16)) >>> 0;
          }
          function make(tag, kind, text) {
            const element = document.createElement(tag);
            if (kind) element.className = kind;
            if (text !== undefined) element.textContent = text;
            return element;
          }
          function picture(file, text) {
            const figure = make("figure", "thumb");
            if (file) {
              const image = make("img");
              image.loading = "lazy";
              image.src = file;
              image.alt = text;
              figure.append(image);
            } else {
              figure.append(make("div", "missing"));
            }
            return figure;
          }
          const digits = (value) => value === null ? "–" : value.toFixed(3);

          function tile(index) {
            const row = data.rows[index];
            const figure = picture(row.f, row.s);
            figure.title = row.s + (row.c === null ? "" : "\\n" + data.classes[row.c]);
            figure.append(make("figcaption", "", digits(row.v) + (row.c === null ? "" : " " + data.classes[row.c])));
            figure.addEventListener("click", () => open(row));
            return figure;
          }
          function open(row) {
            const query = row.q === null ? null : data.queries[row.q];
            card.replaceChildren();
            const pair = make("div", "pair");
            if (query) {
              const left = picture(query.f, query.s);
              left.append(make("figcaption", "", "query"));
              pair.append(left);
            }
            const right = picture(row.f, row.s);
            right.append(make("figcaption", "", "transfer image"));
            pair.append(right);
            const list = make("dl");
            const facts = [["image", row.s], ["content id", row.i], ["size", row.z], ["query", query && query.s],
              ["query class", row.c === null ? null : data.classes[row.c]], ["rank", row.k], ["similarity", digits(row.v)],
              ["reason", row.r]];
            for (const [name, value] of facts) {
              if (value === null || value === "") continue;
              const line = make("div");
              line.append(make("dt", "", name), make("dd", "id", String(value)));
              list.append(line);
            }
            card.append(pair, list);
            const buttons = make("div", "controls");
            if (query) {
              const only = make("button", "", "all images of this query");
              only.addEventListener("click", () => { find("query").value = query.s; card.close(); rebuild(); });
              buttons.append(only);
            }
            const close = make("button", "", "close");
            close.addEventListener("click", () => card.close());
            buttons.append(close);
            card.append(buttons);
            card.showModal();
          }
          function extend() {
            const part = document.createDocumentFragment();
            const end = Math.min(next + chunk, order.length);
            for (; next < end; next += 1) part.append(tile(order[next]));
            sheet.append(part);
            more.hidden = next >= order.length;
            observer.unobserve(more);
            observer.observe(more);
          }
          function rebuild() {
            const sort = find("sort").value, name = find("class").value, words = find("query").value.toLowerCase();
            const seed = Number(find("seed").value) | 0;
            find("seedbox").hidden = sort !== "random";
            order = data.rows.map((row, index) => index).filter((index) => {
              const row = data.rows[index];
              if (name !== "" && row.c !== Number(name)) return false;
              if (words === "") return true;
              return row.q !== null && data.queries[row.q].s.toLowerCase().includes(words);
            });
            const value = (index) => data.rows[index].v === null ? -2 : data.rows[index].v;
            if (sort === "low") order.sort((a, b) => value(a) - value(b));
            if (sort === "high") order.sort((a, b) => value(b) - value(a));
            if (sort === "random") order.sort((a, b) => noise(seed, a) - noise(seed, b));
            next = 0;
            sheet.replaceChildren();
            shown.textContent = order.length.toLocaleString("en") + " images";
            extend();
          }
          for (const id of ["sort", "class"]) find(id).addEventListener("change", rebuild);
          for (const id of ["query", "seed"]) find(id).addEventListener("input", rebuild);
          card.addEventListener("click", (event) => { if (event.target === card) card.close(); });
          more.addEventListener("click", extend);
          const cuts = find("cuts");
          if (cuts) cuts.addEventListener("change", () => {
            for (const cut of document.querySelectorAll(".cut")) {
              cut.hidden = cuts.value !== "" && cut.dataset.class !== cuts.value;
            }
          });
          rebuild();
        })();
        //]]>
        """
}
