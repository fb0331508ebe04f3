/** @file The style sheet of the page: a paper in two palettes, for screens and for print. */

const LIGHT = `--paper:#fcfbf8;--ink:#1c1f24;--muted:#6a6f78;--rule:#dcd8ce;--grid:#ebe8e0;--now:#12577a;--target:#b3541e;--before:#8c8f96;--reference:#a9a49a;--wash:#f3f0e9;--s0:#12577a;--s1:#b3541e;--s2:#4f7d39;--s3:#8a4f9e;--s4:#b8892b;--s5:#2f8f8a;--s6:#a33b54;--s7:#5d6470;--holds:#3f7a35;--fails:#a8322d;--sequential:url(#sequential-light);--diverging:url(#diverging-light);`;
const DARK = `--paper:#15171b;--ink:#e9e6df;--muted:#9a9ea6;--rule:#33373e;--grid:#24282e;--now:#74c3e6;--target:#f0a06a;--before:#8b9099;--reference:#5d626b;--wash:#1d2025;--s0:#74c3e6;--s1:#f0a06a;--s2:#9ccb83;--s3:#cfa0e0;--s4:#e3c069;--s5:#76cfc9;--s6:#ea8fa4;--s7:#a8aeb8;--holds:#8fce80;--fails:#f08b84;--sequential:url(#sequential-dark);--diverging:url(#diverging-dark);`;

export const PAGE_STYLE = `
:root{color-scheme:light;${LIGHT}--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua","URW Palladio L","P052",Georgia,serif;--sans:ui-sans-serif,system-ui,-apple-system,"Segoe UI","Helvetica Neue",Helvetica,Arial,"DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${DARK}}}
:root[data-theme=dark]{color-scheme:dark;${DARK}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--serif);font-variant-numeric:lining-nums;text-rendering:optimizeLegibility}
main{max-width:1120px;margin:0 auto;padding:56px 32px 80px}
p{margin:0}
a{color:inherit}
h1,h2,h3{font-weight:500;line-height:1.15;margin:0;text-wrap:balance}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.muted{color:var(--muted)}
header.page{padding-bottom:44px}
.kicker{font:600 12px/1 var(--sans);letter-spacing:.09em;text-transform:uppercase;color:var(--now)}
h1{font-size:clamp(38px,6vw,60px);letter-spacing:-.018em;margin:14px 0 10px;overflow-wrap:anywhere}
.subject{font:14px/1.5 var(--sans);color:var(--muted)}
.conclusion{font-size:clamp(20px,2.5vw,25px);line-height:1.42;max-width:36em;margin:30px 0 40px;text-wrap:pretty}
dl{margin:0}dd{margin:0}
.headlines{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));border-top:1px solid var(--ink);border-bottom:1px solid var(--rule)}
.headlines>div{padding:16px 20px 18px 0}
.headlines>div+div{padding-left:20px;border-left:1px solid var(--rule)}
.headlines dt{font:600 13px/1.3 var(--sans)}
.headlines dd{font-size:40px;line-height:1.2;letter-spacing:-.02em;white-space:nowrap}
.headlines .explanation,.ranks .explanation{font:12.5px/1.4 var(--sans);letter-spacing:0;color:var(--muted);white-space:normal}
nav{font:13px/2 var(--sans);color:var(--muted);margin-bottom:12px}
nav a{text-decoration:none;margin-right:18px;white-space:nowrap}nav a:hover{color:var(--now)}nav b{font-weight:500;color:var(--reference);margin-right:5px}
section{display:grid;grid-template-columns:252px minmax(0,1fr);gap:20px 48px;padding:44px 0 48px;border-top:1px solid var(--rule)}
section>header{align-self:start;position:sticky;top:24px}
h2{font-size:25px;letter-spacing:-.01em}
h2 .number{display:block;font:600 12px/1 var(--sans);color:var(--now);margin-bottom:10px}
.shows{font-size:15px;line-height:1.5;color:var(--muted);margin-top:14px}
.concludes{font-size:16px;line-height:1.5;margin-top:14px;padding-top:14px;border-top:1px solid var(--rule);overflow-wrap:anywhere}
.body>*+*{margin-top:32px}
h3{font:600 14px/1.4 var(--sans)}h3 .muted{font-weight:400;margin-left:6px}
.pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:28px 28px;align-items:start}
.triple{display:grid;grid-template-columns:minmax(0,212fr) minmax(0,212fr) minmax(0,280fr);gap:20px;align-items:start;margin-top:12px}
.pictures{display:flex;gap:24px;align-items:end;margin-top:14px}.pictures .heat{flex:0 1 122px}
.aside{font:13px/1.5 var(--sans);color:var(--muted)}.pictures .aside{align-self:center;max-width:22em}
.feature+.feature{padding-top:28px;border-top:1px solid var(--grid)}
svg{display:block;width:100%;height:auto;overflow:visible;font:12.5px var(--sans);font-variant-numeric:tabular-nums}
svg:focus-visible{outline:2px solid var(--now);outline-offset:6px}
svg text{fill:var(--muted)}svg .label{fill:var(--ink)}svg .end{text-anchor:end}svg .middle{text-anchor:middle}svg .strong{fill:var(--ink);font-weight:600}
.axis{stroke:var(--muted);stroke-width:1}.grid{stroke:var(--grid);stroke-width:1}
.mark{stroke:var(--reference);stroke-width:1;stroke-dasharray:2 3}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.line.now{stroke:var(--now)}.line.target{stroke:var(--target)}.line.before{stroke:var(--before);stroke-dasharray:5 3}.line.reference{stroke:var(--reference);stroke-width:1.2;stroke-dasharray:2 3}
.line.dashed{stroke-dasharray:5 3}
.dots circle{stroke:var(--paper);stroke-width:.8}.dots.now{fill:var(--now)}.dots.target{fill:var(--target)}rect.target{fill:var(--target)}
td .wrap{display:block;white-space:normal;min-width:15em}.chart{margin:0}.chart h3{margin-bottom:8px}.claim{font-size:17px;line-height:1.55;max-width:44em;margin:0 0 40px}.claim b{font:600 13px/1 var(--sans)}.holds{color:var(--holds);font-weight:600}.fails{color:var(--fails);font-weight:600}
svg .level{fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}.band{fill:var(--wash)}.band-I{fill:var(--s0);fill-opacity:.08}.band-II{fill:var(--s1);fill-opacity:.10}.band-III{fill:var(--s6);fill-opacity:.14}.band-IV{fill:var(--s2);fill-opacity:.10}
.line.series-0{stroke:var(--s0)}.dots.series-0{fill:var(--s0)}.key.series-0::before{border-color:var(--s0)}.line.series-1{stroke:var(--s1)}.dots.series-1{fill:var(--s1)}.key.series-1::before{border-color:var(--s1)}.line.series-2{stroke:var(--s2)}.dots.series-2{fill:var(--s2)}.key.series-2::before{border-color:var(--s2)}.line.series-3{stroke:var(--s3)}.dots.series-3{fill:var(--s3)}.key.series-3::before{border-color:var(--s3)}.line.series-4{stroke:var(--s4)}.dots.series-4{fill:var(--s4)}.key.series-4::before{border-color:var(--s4)}.line.series-5{stroke:var(--s5)}.dots.series-5{fill:var(--s5)}.key.series-5::before{border-color:var(--s5)}.line.series-6{stroke:var(--s6)}.dots.series-6{fill:var(--s6)}.key.series-6::before{border-color:var(--s6)}.line.series-7{stroke:var(--s7)}.dots.series-7{fill:var(--s7)}.key.series-7::before{border-color:var(--s7)}.key.dashed::before{border-top-style:dashed}
.legend{font:13px/1.4 var(--sans);display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:6px;padding-left:46px;color:var(--muted)}
.key::before{content:"";display:inline-block;width:18px;height:0;border-top:2px solid;vertical-align:middle;margin-right:7px}
.key.now::before{border-color:var(--now)}.key.target::before{border-color:var(--target)}.key.before::before{border-color:var(--before);border-top-style:dashed}.key.reference::before{border-color:var(--reference);border-top-style:dotted}
.heat{margin:0}.heat image{image-rendering:pixelated}.heat figcaption{font:13px/1.4 var(--sans);color:var(--ink);margin-top:2px}
image.sequential{filter:var(--sequential)}image.diverging{filter:var(--diverging)}
.frame{fill:none;stroke:var(--rule)}.boundary{fill:none;stroke:var(--ink);stroke-opacity:.28;stroke-width:.7}
.filters{position:absolute;width:0;height:0}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font:14px/1.4 var(--sans);font-variant-numeric:tabular-nums}
th{font-weight:500;font-size:12.5px;color:var(--muted);vertical-align:bottom}
td,th{padding:7px 16px 7px 0;border-bottom:1px solid var(--grid);white-space:nowrap}td{vertical-align:baseline}
tr>:last-child{padding-right:0}thead th{border-bottom-color:var(--muted)}
.left{text-align:left}.right{text-align:right}.chosen{font-weight:600}
.bar{display:block;min-width:120px;height:9px;background:var(--wash)}.bar span{display:block;height:100%;background:var(--now)}.bar.quiet span{background:var(--reference)}
td:has(.bar){width:45%}
.ranks{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:16px}.ranks{grid-template-rows:repeat(3,auto);row-gap:0}.ranks>div{display:grid;grid-template-rows:subgrid;grid-row:span 3;align-content:start}.ranks dt{align-self:end;font:600 12.5px/1.3 var(--sans)}.ranks dd{font-size:23px;line-height:1.35}
.narrow{display:none}
footer{padding-top:36px;border-top:1px solid var(--ink);font:14px/1.6 var(--sans)}footer h2{font:500 20px/1.2 var(--serif)}footer>*+*{margin-top:14px}footer p{max-width:54em}
code{font:11.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--muted)}
.theme{position:absolute;top:24px;right:24px;font:13px/1 var(--sans);color:var(--muted);background:none;border:1px solid var(--rule);border-radius:99px;padding:8px 14px;cursor:pointer}.theme:hover{color:var(--ink);border-color:var(--muted)}
.readout{position:absolute;z-index:2;pointer-events:none;background:var(--ink);color:var(--paper);font:12.5px/1.4 var(--sans);font-variant-numeric:tabular-nums;padding:5px 9px;border-radius:3px;max-width:280px}
.pin{fill:none;stroke:var(--ink);stroke-width:1.5}
@media (max-width:900px){section{grid-template-columns:minmax(0,1fr);padding:36px 0 40px}section>header{position:static;max-width:36em}}
@media (max-width:620px){main{padding:64px 18px 48px}.pair,.triple{grid-template-columns:minmax(0,1fr)}.wide{display:none}.narrow{display:block}.ranks{grid-template-columns:repeat(2,minmax(0,1fr));grid-template-rows:none}.ranks>div{display:block;margin-bottom:14px}.headlines{grid-template-columns:1fr 1fr}.headlines dd{font-size:30px}.headlines>div{padding:12px 8px 14px 0}.headlines>div+div{padding-left:14px}.headlines>div:nth-child(odd){padding-left:0;border-left:0}.headlines>div:nth-child(n+3){border-top:1px solid var(--rule)}.heat svg,.triple .plot{max-width:360px}.bar{min-width:64px}.pictures{flex-wrap:wrap}.theme{top:16px;right:16px}}
@media print{:root,:root[data-theme=dark]{color-scheme:light;${LIGHT}--paper:#fff}body{font-size:13px}main{max-width:none;padding:0}.theme,nav,.readout{display:none}section{display:block;padding:22px 0}section>header{position:static;max-width:44em;margin-bottom:18px}.concludes{border-top:0;padding-top:0;margin-top:8px}.shows{margin-top:8px}.scroll{overflow:visible}table{font-size:12px}.pair,.feature,.heat,table,.plot{break-inside:avoid}section>header{break-after:avoid}.bar span,.heat image{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;

/** Gray to color, by theme: ramps through evenly spaced colors, applied by SVG filters so that one image serves both palettes. */
export const COLOR_RAMPS: Readonly<Record<string, readonly string[]>> = {
  'sequential-light': ['#fbf9f3', '#d5e3e1', '#93bfcb', '#4690ae', '#12577a', '#06263d'],
  'sequential-dark': ['#191c21', '#17384b', '#1d6387', '#4ba0c4', '#a5d8e6', '#fdf6e0'],
  'diverging-light': ['#6d2a08', '#b3541e', '#e8b48b', '#fbf9f3', '#93bfd2', '#12577a', '#06304a'],
  'diverging-dark': ['#ffd9b8', '#f0a06a', '#8a4a22', '#191c21', '#1f5875', '#74c3e6', '#d5f1fc'],
};
