/// What the inspector's pages need beyond the reports' style sheet.
enum InspectorStyle {
    static let text: StaticString = #"""
        :focus-visible{outline:2.5px solid var(--accent);outline-offset:2px;border-radius:4px}
        .skip{position:absolute;left:-999px}.skip:focus{left:12px;top:10px;z-index:9;background:var(--panel);padding:6px 12px;border-radius:8px}
        main{max-width:1240px}main:focus{outline:0}
        nav a[aria-current]{color:var(--ink);background:var(--tint);font-weight:620}
        h2{margin:26px 0 10px}
        .count{color:var(--muted);font-size:13.5px;margin:0 0 12px;font-variant-numeric:tabular-nums}
        .status{position:fixed;right:18px;bottom:14px;margin:0;padding:7px 14px;border-radius:9px;background:var(--ink);color:var(--bg);
        font-size:13px;z-index:5}.status:empty{display:none}
        .primary{background:var(--accent);border-color:var(--accent);color:var(--panel);font-weight:600}.primary:hover{filter:brightness(1.07)}
        .button{display:inline-block;border:1px solid var(--line);border-radius:8px;padding:7px 14px;text-decoration:none;background:var(--panel);font-size:13.5px}
        .button:hover{border-color:var(--accent)}.button.off{color:var(--muted);opacity:.5}

        .filters{align-items:end;gap:10px 12px}.filters label{flex-direction:column;align-items:stretch;gap:3px;font-size:12px}
        .filters select,.filters input{padding:6px 8px;min-height:34px;max-width:190px}.filters .short{width:92px}.filters button{min-height:34px;padding:6px 16px}
        .filters a{padding:7px 2px}.filters details{flex:1 1 100%;border:0;margin:0;padding:0}.filters summary{padding:1px 0 6px;font-size:12.5px;font-weight:500}
        .more{display:flex;flex-wrap:wrap;gap:10px 12px}
        .pager{position:static;height:auto;display:flex;flex-direction:row;flex-wrap:wrap;gap:10px 16px;align-items:center;justify-content:center;padding:22px 0 6px;
        overflow:visible;font-size:13.5px}.pager .where{color:var(--muted);font-variant-numeric:tabular-nums}.pager a.button{color:var(--accent);padding:7px 14px}

        .grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(132px,1fr));gap:14px 12px;margin:0 0 14px}
        .item{background:var(--panel);border:1px solid var(--line);border-radius:11px;padding:6px;min-width:0;box-shadow:var(--shadow);position:relative}
        .item.current{border-color:var(--accent)}.item:focus-visible{outline-offset:1px;border-radius:11px}
        .picture{display:block;position:relative;border-radius:7px;overflow:hidden;background:var(--grid)}
        .picture img{display:block;width:100%;aspect-ratio:1;object-fit:cover;color:var(--muted);font-size:11px;overflow-wrap:anywhere}
        .picture.query{outline:2px solid var(--ink);outline-offset:1px}
        .words{display:grid;place-items:center;aspect-ratio:1;padding:10px;text-align:center;font-size:15px;line-height:1.3;color:var(--ink);
        background:var(--panel);overflow:hidden;overflow-wrap:anywhere}.query-row .words{font-size:9.5px;line-height:1.2;padding:4px}
        .picture .tag{position:absolute;left:6px;bottom:6px;background:rgba(20,16,12,.72);color:#fff;font-size:11px;padding:1px 8px;border-radius:99px}
        .missed .picture img,.picture.missed img{opacity:.5;filter:grayscale(.55)}.missed:hover .picture img,.missed:focus-within .picture img{opacity:1;filter:none}
        .caption{display:flex;justify-content:space-between;gap:6px;font-size:12px;padding:5px 2px 4px;font-variant-numeric:tabular-nums;font-weight:600}
        .caption .note{color:var(--muted);font-weight:400;font-size:12px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
        .marks{display:grid;grid-template-columns:repeat(5,1fr);gap:3px}
        .marks button{padding:0;min-height:27px;font-size:13px;line-height:1;border-color:transparent;background:var(--bg);color:var(--muted);border-radius:6px}
        .marks button:hover{border-color:var(--m);color:var(--m)}.marks button[aria-pressed=true]{background:var(--m);color:var(--panel)}
        .mark-accept{--m:var(--good)}.mark-reject{--m:var(--bad)}.mark-duplicate{--m:var(--info)}.mark-leak{--m:var(--c4)}.mark-unsure{--m:var(--warn)}
        .item[data-mark=accept]{border-color:var(--good)}.item[data-mark=reject],.item[data-mark=leak],.item[data-mark=duplicate]{border-color:var(--bad)}
        .item[data-mark=reject] .picture img,.item[data-mark=leak] .picture img,.item[data-mark=duplicate] .picture img{opacity:.34}
        .item[data-mark=unsure]{border-color:var(--warn)}
        .keys{display:flex;flex-wrap:wrap;gap:6px 20px;font-size:13px;color:var(--soft);padding-bottom:8px}
        kbd{font:600 11.5px var(--mono);border:1px solid var(--line);border-bottom-width:2px;border-radius:5px;padding:1px 6px;background:var(--panel);color:var(--ink)}

        .steps{font-size:13.5px;font-variant-numeric:tabular-nums}
        .step-row{display:grid;grid-template-columns:104px minmax(60px,1fr) 72px 82px;gap:2px 14px;align-items:center;padding:4px 0}
        .step-row .step{font-weight:600;overflow-wrap:anywhere}.step-row .kept-count{text-align:right;font-weight:600}.step-row .gone{text-align:right;color:var(--muted)}
        .step-row .why{grid-column:2/-1;color:var(--muted);font-size:12.5px}.step-row .why:empty{display:none}
        .track{width:100%;height:18px;display:block;border-radius:4px}.track .ground{fill:var(--grid)}.track .kept{fill:var(--accent)}
        .track .lost{fill:var(--accent);opacity:.22}.track .was{fill:var(--accent);opacity:.22}.classes .track{height:13px}
        .classes .step-row{grid-template-columns:132px minmax(60px,1fr) 56px 70px;padding:2px 0}.classes .step{font-weight:400}

        .query-list{display:grid;gap:2px}.query-row{display:grid;grid-template-columns:64px 132px minmax(0,1fr);gap:14px;align-items:center;padding:8px 3px;
        border-bottom:1px solid var(--grid);}
        .query-row .who{font-size:13.5px;overflow-wrap:anywhere}.query-row .who a{color:var(--ink);text-decoration:none}.query-row .who a:hover{color:var(--accent)}
        .query-row .row{display:flex;gap:6px;overflow:hidden;padding:3px}.query-row .row .picture{flex:0 0 64px;border-radius:6px}
        .query-head{display:grid;grid-template-columns:148px minmax(0,1fr);gap:22px;align-items:start;margin-top:10px}.query-head .picture{margin:3px}
        .cut-line{display:flex;align-items:center;gap:14px;color:var(--accent);font-weight:640;font-size:13px;margin:22px 0 0}
        .cut-line::before,.cut-line::after{content:"";flex:1;border-top:2px dashed var(--accent)}.cut-line+h2{margin-top:14px}

        .sample{display:grid;grid-template-columns:minmax(0,260px) minmax(0,200px) minmax(0,1fr);gap:18px;align-items:start;margin-top:8px}
        .sample .card{margin:0;grid-column:3}.sample .query-side{padding:3px}.sample .near{margin:0 0 10px;padding-left:20px;font-size:13.5px}
        .large .marks{margin-top:8px}.large .marks button{min-height:36px;font-size:15px}
        .plot.narrow{display:none}.plot.live svg{cursor:ew-resize;touch-action:none}line.threshold{stroke:var(--ink);stroke-width:2.5}.below{fill:var(--bg);opacity:.66}
        .controls.threshold{margin:14px 0 12px}.controls .wide{flex:1 1 240px}.controls .wide input{flex:1;width:100%;accent-color:var(--accent);padding:0;min-height:32px}
        .big{font-size:20px;font-weight:660;color:var(--ink);font-variant-numeric:tabular-nums}
        #outcome .tile{border:0;padding:0;box-shadow:none}#outcome{grid-template-columns:repeat(auto-fit,minmax(120px,1fr))}
        .pairs{grid-template-columns:repeat(auto-fill,minmax(300px,1fr));margin-top:14px}.pair-card{padding:10px}
        .two{display:grid;grid-template-columns:1fr 1fr;gap:8px}.pair-text{font-size:13px;padding:8px 2px;overflow-wrap:anywhere}.pair-text .note{font-size:12px;margin-top:2px}
        .card .tile .note{margin-top:0}
        .audit .two{max-width:620px;gap:16px}.audit .two .picture{margin:3px}.ask{font-size:16px;font-weight:600}
        .answers{margin:18px 0 2px}.answers button{padding:9px 18px;font-size:15px}.answer-yes{border-color:var(--good);color:var(--good)}.answer-no{border-color:var(--bad);color:var(--bad)}
        .tabs{display:flex;flex-wrap:wrap;gap:8px;margin-bottom:14px}.tab{border:1px solid var(--line);border-radius:99px;padding:5px 14px;text-decoration:none;font-size:13.5px;
        color:var(--soft)}.tab[aria-current]{background:var(--tint);color:var(--ink);font-weight:620}
        .map circle{fill:var(--s);opacity:.62}.map a:hover circle,.map a:focus circle{opacity:1;stroke:var(--ink);stroke-width:1.5}

        @media (max-width:900px){body>nav{gap:2px}body>nav a{padding:6px 10px}main{padding-top:6px}}
        @media (max-width:700px){
        body>nav{flex-wrap:nowrap;overflow-x:auto;padding:10px 14px 6px;align-items:center;position:sticky;top:0;background:var(--bg);z-index:4;
        border-bottom:1px solid var(--line);scrollbar-width:none}body>nav .brand{width:auto;padding:0 6px 0 0}body>nav a{white-space:nowrap}
        main{padding:10px 14px 44px}h1{font-size:25px}.card{padding:14px 14px 12px}
        .grid{grid-template-columns:repeat(auto-fill,minmax(146px,1fr));gap:9px 8px}.marks button{min-height:36px;font-size:15px}
        .plot.wide{display:none}.plot.narrow{display:block}
        .columns{grid-template-columns:minmax(0,1fr)}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
        .filters label{flex:1 1 40%}.filters select,.filters input,.filters .short{max-width:none;width:100%}.filters button{flex:1 1 100%}
        .step-row{grid-template-columns:minmax(0,1fr) 70px 74px}.step-row .track{grid-column:1/-1;grid-row:2}.step-row .why{grid-column:1/-1}
        .classes .step-row{grid-template-columns:minmax(0,1fr) 56px 64px}
        .query-row{grid-template-columns:56px minmax(0,1fr)}.query-row .row{grid-column:1/-1}.query-head{grid-template-columns:96px minmax(0,1fr);gap:14px}
        .sample{grid-template-columns:1fr 1fr}.sample .card{grid-column:1/-1}dl div{grid-template-columns:minmax(84px,30%) 1fr}
        .pairs{grid-template-columns:minmax(0,1fr)}}
        """#
}
