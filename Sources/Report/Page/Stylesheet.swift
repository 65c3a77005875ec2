/// The one style sheet: system fonts, ink and copper, light and dark by the reader's preference.
package enum Stylesheet {
    package static let text: StaticString = """
        :root{--bg:#f7f5f1;--panel:#fffefc;--ink:#1f2126;--soft:#4b4f57;--muted:#757a83;--line:#e3dfd6;--grid:#ece8e0;
        --accent:#b0522a;--tint:#f6e9df;--good:#2b7a5b;--bad:#b5382d;--warn:#9a6b0f;--info:#2c678f;--idle:#8b9098;
        --c0:#b9562c;--c1:#1f7d76;--c2:#4a5fb0;--c3:#b08a14;--c4:#8d4a8a;--c5:#64802b;--c6:#5f7082;--c7:#c4506f;
        --mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
        --shadow:0 1px 2px rgba(60,45,30,.05),0 4px 16px rgba(60,45,30,.04)}
        @media (prefers-color-scheme:dark){:root{--bg:#14161a;--panel:#1b1e23;--ink:#e9e7e2;--soft:#c3c4c6;--muted:#8f949d;
        --line:#2d3138;--grid:#262a30;--accent:#e5915f;--tint:#33261e;--good:#5dbf96;--bad:#ee7a6d;--warn:#dcae4e;
        --info:#74b0d8;--idle:#757b85;--c0:#e5915f;--c1:#4fb8ae;--c2:#8d9dea;--c3:#d9b54a;--c4:#c98bc6;--c5:#a3bf63;
        --c6:#94a5b8;--c7:#ec8aa4;--shadow:none}}
        *{box-sizing:border-box}[hidden]{display:none!important}
        html{scroll-behavior:smooth;scroll-padding-top:16px}
        body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
        "Helvetica Neue",Inter,"Noto Sans","Liberation Sans",sans-serif;display:grid;
        grid-template-columns:198px minmax(0,1fr);-webkit-font-smoothing:antialiased}
        nav{position:sticky;top:0;height:100vh;overflow:auto;padding:26px 12px 26px 26px;display:flex;
        flex-direction:column;gap:1px;font-size:13.5px}
        nav a{color:var(--muted);text-decoration:none;padding:4px 10px;border-radius:6px}
        nav a:hover{color:var(--ink);background:var(--grid)}
        nav .brand{display:flex;align-items:center;gap:9px;color:var(--ink);font-weight:650;font-size:16px;
        letter-spacing:-.01em;padding:0 6px 16px;background:none}
        .logo{width:27px;height:27px}.logo .glass{fill:none;stroke:var(--ink);stroke-width:1.7;stroke-linecap:round;
        stroke-linejoin:round}.logo .liquid,.logo .drop{fill:var(--accent)}
        main{max-width:1120px;padding:26px 36px 60px 20px;min-width:0}
        header{padding:0 0 6px}
        h1{font-size:31px;line-height:1.15;letter-spacing:-.022em;font-weight:680;margin:2px 0 12px;overflow-wrap:anywhere}
        h2{font-size:20px;letter-spacing:-.014em;font-weight:650;margin:0 0 4px}
        h3{font-size:14px;font-weight:640;margin:0 0 10px;letter-spacing:-.003em}
        p{margin:0 0 10px}
        section{padding:36px 0 0}
        .kind{color:var(--accent);font-size:12px;font-weight:640;letter-spacing:.09em;text-transform:uppercase;margin:0}
        .facts{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center;color:var(--muted);font-size:13.5px}
        .lead{color:var(--soft);max-width:76ch;margin-bottom:14px}
        .note{color:var(--muted);font-size:13px;max-width:86ch}
        .verdict{font-size:20px;line-height:1.5;letter-spacing:-.011em;max-width:64ch;margin:14px 0 22px}
        .verdict strong{font-weight:660}
        a{color:var(--accent)}
        code,.id{font:12.5px/1.5 var(--mono);unicode-bidi:isolate;overflow-wrap:anywhere}
        pre{font:12.5px/1.55 var(--mono);background:var(--panel);border:1px solid var(--line);border-radius:9px;
        padding:14px 16px;overflow:auto;max-height:560px;margin:0 0 12px;tab-size:4}
        .card{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:18px 20px 16px;margin:14px 0 0;
        box-shadow:var(--shadow);min-width:0}
        .card>:last-child{margin-bottom:0}
        .columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:14px;align-items:start;margin-top:14px}
        .columns>.card{margin:0;height:100%}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:8px 0 2px}
        .tile{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:14px 16px 12px;box-shadow:var(--shadow)}
        .tile .value{font-size:25px;font-weight:660;letter-spacing:-.022em;line-height:1.2;font-variant-numeric:tabular-nums}
        .tile .name{color:var(--soft);font-size:13px;margin-top:2px}
        .tile .note{font-size:12px;margin-top:2px;font-variant-numeric:tabular-nums}
        .card .tiles{grid-template-columns:repeat(auto-fit,minmax(96px,1fr));gap:6px 18px;margin:0 0 12px}.card .tile{border:0;padding:0;box-shadow:none;background:none}
        .card .tile .value{font-size:21px}.card .tile .name{font-size:12.5px}
        .tile.good .value{color:var(--good)}.tile.bad .value{color:var(--bad)}.tile.accent .value{color:var(--accent)}
        .badge{display:inline-block;font-size:11.5px;font-weight:640;letter-spacing:.02em;padding:1px 9px 1.5px;
        border-radius:99px;color:var(--b);background:color-mix(in srgb,var(--b) 13%,transparent);white-space:nowrap}
        .ran,.succeeded,.passed,.certified{--b:var(--good)}.cached,.pending,.skipped{--b:var(--idle)}
        .resumed,.running{--b:var(--info)}.failed,.died{--b:var(--bad)}.interrupted,.blocked,.warned{--b:var(--warn)}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
        th{text-align:left;font-weight:600;color:var(--muted);font-size:12px;padding:4px 12px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap}
        td{padding:6px 12px 6px 0;border-bottom:1px solid var(--grid);vertical-align:top;overflow-wrap:break-word}td code{overflow-wrap:anywhere}
        tr:last-child td{border-bottom:0}
        .number{text-align:right;white-space:nowrap}th.number{padding-left:12px}.number+.words{padding-left:16px}
        td strong{font-weight:650}
        dl{margin:0;font-size:13.5px}dl div{display:grid;grid-template-columns:minmax(96px,34%) 1fr;gap:12px;padding:5px 0;
        border-bottom:1px solid var(--grid)}dl div:last-child{border:0}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
        details{border-top:1px solid var(--line);padding:9px 0 0;margin-top:12px}
        summary{cursor:pointer;font-weight:600;font-size:13.5px;color:var(--soft);padding:1px 0 9px}
        summary:hover{color:var(--accent)}
        .alert{border-left:3px solid var(--bad);background:color-mix(in srgb,var(--bad) 8%,var(--panel));padding:10px 14px;
        border-radius:0 8px 8px 0;margin:0 0 12px;font-size:14px;white-space:pre-wrap;overflow-wrap:anywhere}
        .alert.mild{border-color:var(--warn);background:color-mix(in srgb,var(--warn) 8%,var(--panel))}
        footer{margin-top:44px;padding-top:14px;border-top:1px solid var(--line);color:var(--muted);font-size:12.5px}

        svg[role=img]{display:block;max-width:100%;height:auto;overflow:visible}
        svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Inter,"Liberation Sans",sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
        svg .tick{font-size:11px;fill:var(--muted);paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}svg .axis-title{font-size:11px;fill:var(--muted)}
        svg .reference{font-size:11px;fill:var(--muted)}svg .name{fill:var(--ink);font-size:12.5px}
        .grid{stroke:var(--grid)}.axis{stroke:var(--line)}.mark{stroke:var(--muted);stroke-dasharray:3 3}
        .frame{fill:none;stroke:var(--line)}
        .s0{--s:var(--c0)}.s1{--s:var(--c1)}.s2{--s:var(--c2)}.s3{--s:var(--c3)}.s4{--s:var(--c4)}.s5{--s:var(--c5)}
        .s6{--s:var(--c6)}.s7{--s:var(--c7)}
        .curve{fill:none;stroke:var(--s);stroke-linejoin:round}.curve.run{stroke-width:1;opacity:.34}
        .curve.mean{stroke-width:1.9}.curve.filled{fill:color-mix(in srgb,var(--s) 20%,transparent)}
        .dot{fill:var(--s)}.bar{fill:var(--s);opacity:.86}g:hover>.bar{opacity:1}
        .bubble{fill:color-mix(in srgb,var(--s) 55%,transparent);stroke:var(--s)}.gap{stroke:var(--s);stroke-width:2;opacity:.5}
        .arm{--s:var(--c6)}.arm.strong{--s:var(--accent)}.arm .interval{stroke:var(--s);stroke-width:2}
        .arm .seed{fill:var(--panel);stroke:var(--s);stroke-width:1.4}.arm .mean{fill:var(--s)}
        .arm .note{fill:var(--ink);font-size:12.5px}.arm.strong .name,.arm.strong .note{font-weight:650}
        .right rect{fill:var(--c1)}.wrong rect{fill:var(--c0)}.on{fill:#fff;font-size:10.5px}.off{fill:var(--soft);font-size:10.5px}
        @media (prefers-color-scheme:dark){.on{fill:#14161a}}
        .state-ran{--s:var(--good)}.state-cached{--s:var(--idle)}.state-resumed,.state-running{--s:var(--info)}
        .state-failed{--s:var(--bad)}.state-interrupted,.state-blocked{--s:var(--warn)}.state-pending,.state-skipped{--s:color-mix(in srgb,var(--idle) 50%,transparent)}
        .span{fill:var(--s);opacity:.82}.edge{fill:none;stroke:var(--idle);opacity:.55;stroke-width:1.3}
        .node .card{fill:var(--panel);stroke:var(--line);padding:0}.node .shadow{fill:var(--bg)}.node .stripe{fill:var(--s)}
        .node .title{font-weight:620;fill:var(--ink);font-size:12.5px}.node .detail{font-size:11px;fill:var(--muted)}
        .source circle{fill:color-mix(in srgb,var(--s) 20%,var(--panel));stroke:var(--s);stroke-width:.8}.source text{font-size:9.5px;font-weight:650;fill:var(--s)}
        .state-pending .card,.state-skipped .card,.state-blocked .card{stroke-dasharray:4 3;fill:var(--bg)}.state-failed .card{stroke:var(--bad)}
        .states{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12.5px;color:var(--muted);margin-bottom:12px}
        .states span::before{content:"";display:inline-block;width:9px;height:9px;border-radius:3px;background:var(--s);margin-right:6px}
        .legend{display:flex;flex-wrap:wrap;gap:3px 16px;font-size:12.5px;color:var(--soft);margin:0 0 8px}
        .key::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;background:var(--s);margin-right:7px;vertical-align:middle}
        .graph svg{min-width:620px}.chart{margin:0}
        .multiples{display:grid;grid-template-columns:repeat(auto-fill,minmax(290px,1fr));gap:14px 20px}
        .multiples figure{margin:0}.multiples figcaption{font-size:12.5px;font-weight:600;color:var(--soft);margin-bottom:2px}

        .strip{display:flex;flex-wrap:wrap;gap:7px}.strip.even{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));--t:100%}.gap-above{margin-top:14px}
        @media (max-width:700px){.strip.even{grid-template-columns:repeat(6,minmax(0,1fr))}}
        .thumb{margin:0;width:var(--t,72px)}.thumb img,.thumb .missing{display:block;width:100%;aspect-ratio:1;object-fit:cover;border-radius:5px;
        background:var(--grid)}.thumb .missing{background:repeating-linear-gradient(45deg,var(--grid) 0 5px,var(--bg) 5px 10px)}
        .thumb figcaption{font-size:11px;line-height:1.3;color:var(--muted);padding-top:3px;overflow:hidden;text-overflow:ellipsis;
        white-space:nowrap;font-variant-numeric:tabular-nums}
        .thumb.query img,.thumb.query .missing{outline:2px solid var(--ink);outline-offset:1px}.thumb.missed img{opacity:.42;filter:grayscale(.6)}
        .thumb.missed:hover img{opacity:1;filter:none}
        .thumb.right-answer img{outline:2px solid var(--good)}.thumb.wrong-answer img{outline:2px solid var(--bad);outline-offset:1px}
        .funnel{display:grid;grid-template-columns:max-content minmax(120px,1fr) max-content max-content;gap:0 16px;align-items:center;font-size:13.5px;
        font-variant-numeric:tabular-nums}
        .funnel>*{padding:3px 0}.funnel .step{font-weight:600}.funnel .track{height:28px;position:relative;background:linear-gradient(var(--grid),var(--grid)) 0 50%/100% 1px no-repeat}
        .funnel .kept,.funnel .lost{position:absolute;top:5px;bottom:5px;border-radius:4px}
        .funnel .kept{background:var(--accent);left:0;min-width:2px}.funnel .lost{background:repeating-linear-gradient(45deg,
        color-mix(in srgb,var(--accent) 26%,transparent) 0 3px,transparent 3px 7px)}
        .funnel .left{text-align:right;font-weight:600}.funnel .gone{text-align:right;color:var(--muted)}
        .dropped{margin-top:12px}.funnel .why{grid-column:2/-1;color:var(--muted);font-size:12.5px;padding:0 0 7px;margin-top:-3px}
        .cut{display:flex;align-items:stretch;gap:10px;padding:10px 0;border-bottom:1px solid var(--grid);content-visibility:auto;contain-intrinsic-size:auto 104px}
        .cut:last-child{border:0}.cut .who{flex:0 0 84px;font-size:12px;line-height:1.35;color:var(--muted);overflow-wrap:anywhere;padding:3px 0 0 3px;--t:64px}.cut .who strong{display:block;color:var(--ink);margin-top:6px}
        .cut .row{display:flex;gap:6px;overflow-x:auto;scrollbar-width:thin;padding:3px 3px 6px}.cut .row .thumb{flex:0 0 auto;--t:64px}
        .cut .line{flex:0 0 0;border-left:2px dashed var(--accent);margin:0 5px}
        .pair{display:flex;gap:8px;align-items:center;--t:84px}.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:14px}
        .pair .text{font-size:12px;color:var(--muted);overflow-wrap:anywhere;min-width:0}
        .errors{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:16px 22px}
        .error{display:grid;grid-template-columns:96px 1fr;gap:12px;--t:96px}.error .strip{--t:46px;gap:4px}.error .note{margin:0 0 5px;font-size:12px}
        .error .said{font-size:13px;margin-bottom:5px;line-height:1.4}

        .controls{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center;margin:0 0 14px;font-size:13px;color:var(--muted)}
        .controls label{display:flex;gap:6px;align-items:center}
        select,input,button{font:inherit;font-size:13px;color:var(--ink);background:var(--bg);border:1px solid var(--line);border-radius:7px;padding:4px 8px}
        button{cursor:pointer}button:hover{border-color:var(--accent)}
        .sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(86px,1fr));gap:9px 8px}.sheet .thumb{--t:100%;cursor:pointer}
        .sheet .thumb:hover img{outline:2px solid var(--accent);outline-offset:1px}
        dialog{border:1px solid var(--line);border-radius:14px;background:var(--panel);color:var(--ink);padding:22px;max-width:560px;width:92vw;
        box-shadow:0 20px 60px rgba(0,0,0,.3)}dialog::backdrop{background:rgba(20,16,12,.5)}
        dialog .controls{margin:14px 0 0}dialog .pair{--t:150px;margin-bottom:12px;align-items:flex-start}dialog .thumb img{image-rendering:auto}
        @media (max-width:900px){body{display:block}nav{position:static;height:auto;flex-direction:row;flex-wrap:wrap;padding:14px 18px 0}
        nav .brand{width:100%;padding-bottom:6px}main{padding:16px 18px 40px}.verdict{font-size:18px}}
        @media print{body{display:block;background:#fff}nav,.controls{display:none}.card,.tile{break-inside:avoid;box-shadow:none}}
        """
}
