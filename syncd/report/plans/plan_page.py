"""The style and the script of the page that `report.plan_html` makes. Knows nothing of plans."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5c6878;--line:#d8dee6;--paper:#fff;--tint:#f4f6f9;--mark:#0b6bcb;
--gain:#1a7f4b;--lose:#b4532a;--warn:#9a5b00;--warn-tint:#fff4e0}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#9aa7b8;--line:#333d4a;--paper:#12171e;--tint:#1a212b;
--mark:#6cb2ff;--gain:#4cc38a;--lose:#ef9a72;--warn:#f0b866;--warn-tint:#2b2214}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);
background:var(--paper)}
header,main{max-width:76rem;margin:0 auto;padding:0 1rem}header{padding-top:1rem}main{padding-bottom:4rem}
h1{font-size:1.35rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.sub{margin:.15rem 0 0;color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}
code{font-size:.9em;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem;margin:1rem 0 0;padding:0}
.tiles div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem;background:var(--tint)}
.tiles dt{color:var(--soft);font-size:.82rem}.tiles dd{margin:0;font-size:1.4rem;font-variant-numeric:tabular-nums}
.tiles .wide dd{font-size:1.15rem;padding-top:.2rem}
.guard{border:1px solid var(--warn);background:var(--warn-tint);border-radius:.5rem;padding:.6rem .9rem;margin:1rem 0 0}
.guard h2{margin:0 0 .25rem;color:var(--warn)}.guard ul{margin:.25rem 0;padding-left:1.2rem}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:0 2rem}
figure{margin:0;min-width:0}figcaption{color:var(--soft);font-size:.85rem;margin-bottom:.4rem}
.bar{display:grid;grid-template-columns:minmax(7rem,13rem) 1fr;gap:0 .6rem;align-items:center;margin:.2rem 0;
font-size:.88rem}
.bar>span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.axis{display:grid;grid-template-columns:1fr 1fr;align-items:center}
.axis span{display:flex;align-items:center;gap:.35rem;min-width:0}
.axis span:first-child{flex-direction:row-reverse;border-right:1px solid var(--soft)}
i{display:block;height:.85rem;border-radius:2px;flex:none}.gain{background:var(--gain)}.lose{background:var(--lose)}
.axis b,.pair b{font-weight:500;font-size:.8rem;font-variant-numeric:tabular-nums;white-space:nowrap}
.pair span{display:flex;align-items:center;gap:.4rem;min-width:0}.before{background:var(--soft)}
.after{background:var(--mark)}.key i{display:inline-block;width:.8rem;height:.7rem;margin:0 .25rem 0 .6rem}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.88rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
td{overflow-wrap:break-word}td.n,th.n{text-align:right;min-width:4rem;font-variant-numeric:tabular-nums}
th{background:var(--tint);white-space:nowrap;font-weight:600}
th button{all:unset;cursor:pointer}th button::after{content:" \\2195";color:var(--soft)}
th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
th button:focus-visible,input:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
input{font:inherit;color:inherit;background:var(--tint);border:1px solid var(--line);border-radius:.4rem;
padding:.3rem .6rem;width:100%;max-width:28rem;margin-bottom:.5rem}
.why{color:var(--soft)}.none{color:var(--soft)}[hidden]{display:none}
@media(max-width:40rem){.bar{grid-template-columns:7rem 1fr}.tiles{grid-template-columns:1fr 1fr}
.cards thead{display:none}.cards tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}
.cards td{display:grid;grid-template-columns:6.5rem 1fr;gap:.5rem;border:0;padding:.1rem .6rem;
text-align:left!important;overflow-wrap:anywhere}.tiles .wide{grid-column:span 2}
.cards td::before{content:attr(data-h);color:var(--soft)}.cards td:empty{display:none}}
@media print{input{display:none}.scroll{overflow:visible}tr{break-inside:avoid}body{font-size:10pt}}
"""

SCRIPT = """
for(const table of document.querySelectorAll('table')){const body=table.tBodies[0];
table.querySelectorAll('th').forEach((th,column)=>{const button=document.createElement('button');
button.type='button';button.textContent=th.textContent;th.replaceChildren(button);
button.onclick=()=>{const down=th.getAttribute('aria-sort')==='ascending';
table.querySelectorAll('th').forEach(one=>one.removeAttribute('aria-sort'));
th.setAttribute('aria-sort',down?'descending':'ascending');
const value=row=>{const cell=row.cells[column];return cell.dataset.v??cell.textContent};
const number=th.classList.contains('n');
const order=[...body.rows].sort((a,b)=>number?(Number(value(a))||0)-(Number(value(b))||0):
value(a).localeCompare(value(b)));
if(down)order.reverse();body.append(...order)}})}
const find=document.getElementById('find');
if(find)find.oninput=()=>{const words=find.value.toLowerCase().split(/\\s+/).filter(Boolean);
for(const row of document.querySelectorAll('#changes tbody tr')){const told=row.textContent.toLowerCase();
row.hidden=!words.every(word=>told.includes(word))}};
"""
