/// The threshold as a line that can be dragged.
enum ThresholdScript {
    static let text: StaticString = #"""
        // Moves the line with the pointer or the slider, and asks the server what would be left.
        const plot = document.querySelector("#similarity .plot");
        const form = document.getElementById("threshold");
        const slider = document.getElementById("value");

        if (plot && form && slider) {
          form.querySelector("button").hidden = true;
          const svg = plot.querySelector("svg");
          const line = document.getElementById("line");
          const below = document.getElementById("below");
          const width = svg.viewBox.baseVal.width;
          const low = Number(plot.dataset.low);
          const high = Number(plot.dataset.high);
          const left = Number(plot.dataset.left) * width;
          const right = Number(plot.dataset.right) * width;
          let wanted = null;
          let isAsking = false;

          function draw(value) {
            const x = left + (Math.min(Math.max(value, low), high) - low) / (high - low) * (right - left);
            line.setAttribute("x1", x);
            line.setAttribute("x2", x);
            below.setAttribute("width", Math.max(0, x - left));
            document.getElementById("shown-value").textContent = value.toFixed(3);
          }

          function fill(figures) {
            const count = (number) => Math.round(number).toLocaleString("en");
            const texts = {
              kept: count(figures.kept), dropped: count(figures.dropped), orphaned: count(figures.orphaned),
              gini: figures.balance.gini.toFixed(3), effective: count(figures.balance.effective),
            };
            for (const [name, text] of Object.entries(texts)) {
              document.querySelector(`[data-figure="${name}"]`).textContent = text;
            }
            const classes = document.querySelector(".classes");
            if (!classes) return;
            const largest = Number(classes.dataset.largest);
            for (const row of classes.querySelectorAll("[data-class]")) {
              const number = figures.balance.per_class[row.dataset.class] || 0;
              row.querySelector(".kept").setAttribute("width", 100 * number / largest);
              row.querySelector(".kept-count").textContent = count(number);
            }
          }

          // One question at a time; the newest value waits.
          async function ask() {
            if (isAsking) return;
            isAsking = true;
            while (wanted !== null) {
              const value = wanted;
              wanted = null;
              const response = await fetch("/api/threshold?value=" + value);
              if (response.ok) fill(await response.json());
            }
            isAsking = false;
            plot.dataset.settled = slider.value;
            history.replaceState(null, "", "/threshold?threshold=" + Number(slider.value).toFixed(4));
          }

          function set(value) {
            slider.value = value;
            draw(Number(slider.value));
            wanted = Number(slider.value);
            ask();
          }

          function follow(event) {
            const box = svg.getBoundingClientRect();
            const x = (event.clientX - box.left) / box.width * width;
            set(low + (x - left) / (right - left) * (high - low));
          }

          slider.addEventListener("input", () => set(slider.value));
          svg.addEventListener("pointerdown", (event) => {
            svg.setPointerCapture(event.pointerId);
            event.preventDefault();
            follow(event);
          });
          svg.addEventListener("pointermove", (event) => {
            if (svg.hasPointerCapture(event.pointerId)) follow(event);
          });
          plot.classList.add("live");
        }
        """#
}

/// The audit by keyboard.
enum AuditScript {
    static let text: StaticString = #"""
        // Each answer has a key; pressing it presses its button.
        document.addEventListener("keydown", (event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
          if (button) { event.preventDefault(); button.click(); }
        });
        """#
}
