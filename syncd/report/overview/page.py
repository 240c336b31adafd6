"""The style and the script of the report's page, on top of those of a plan's. Knows nothing of what is shown."""

from __future__ import annotations

from syncd.report.plans.plan_page import STYLE as PLAN_STYLE

STYLE = (
    PLAN_STYLE
    + """
:root{--q0:#e9edf2;--q1:#cfe1f5;--q2:#9cc3ea;--q3:#5f9bd8;--q4:#2b71b8;--q5:#124a85;--edge:#fff;--near:#8a5a00}
@media(prefers-color-scheme:dark){:root{--q0:#232c37;--q1:#1d3b5c;--q2:#285a8c;--q3:#3f82c0;--q4:#6fb0e8;--q5:#b7dcff;
--edge:#12171e;--near:#f0b866}}
nav{max-width:76rem;margin:1rem auto 0;padding:0 1rem;display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.9rem}
a{color:var(--mark)}section{scroll-margin-top:1rem}
.tiles{grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr))}
.tiles dd{overflow-wrap:anywhere}.tiles dd small{display:block;font-size:.8rem;color:var(--soft);line-height:1.35}
.cmd{margin:.15rem 0 .6rem;color:var(--soft);font-size:.85rem}.tiles code,.cmd code{color:var(--ink)}
caption,.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.tabled .scroll{position:relative}.long .scroll{max-height:34rem;overflow:auto}
.tabled thead th{position:sticky;top:0;z-index:1}.scroll:focus-visible{outline:2px solid var(--mark)}
.q0{fill:var(--q0);background:var(--q0)}.q1{fill:var(--q1);background:var(--q1)}.q2{fill:var(--q2);background:var(--q2)}
.q3{fill:var(--q3);background:var(--q3)}.q4{fill:var(--q4);background:var(--q4)}.q5{fill:var(--q5);background:var(--q5)}
.map svg{width:100%;height:auto;display:block}.map path{stroke:var(--edge);stroke-width:.6}
.map path:hover{stroke:var(--ink);stroke-width:1.5}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1rem 2rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:.3rem 0;font-size:.82rem;color:var(--soft)}
.legend[hidden]{display:none}.legend span{display:inline-flex;align-items:center}
.legend i{width:.9rem;height:.8rem;margin-right:.3rem;border:1px solid var(--line)}
.choice{border:0;padding:0;margin:.2rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.88rem}
.choice[hidden]{display:none}.choice legend{float:left;padding:0;margin-right:.8rem;color:var(--soft)}
.choice input,td input{width:auto;margin:0}
td:has(.track){vertical-align:middle}
.track{display:block;position:relative;height:.8rem;min-width:5rem;background:var(--q0);border-radius:2px}
.track i{height:100%}.fill{background:var(--mark)}.good{background:var(--gain)}.near{background:var(--near)}
.far{background:var(--lose)}.paced b{position:absolute;left:50%;top:-.15rem;bottom:-.15rem;
border-left:2px solid var(--ink)}
.columns{list-style:none;margin:.4rem 0 0;padding:0;display:grid;grid-auto-flow:column;grid-auto-columns:1fr;gap:.3rem}
.columns li{display:flex;flex-direction:column;align-items:center;min-width:0;font-size:.75rem;color:var(--soft)}
.column{display:flex;flex-direction:column;justify-content:flex-end;height:9rem;width:100%;max-width:3rem;
border-bottom:1px solid var(--soft)}
.column i{width:100%;border-radius:0}.ours{background:var(--mark)}.theirs{background:var(--near)}
.when{white-space:nowrap}
.tree td:first-child{white-space:nowrap}.tree .in{display:inline-block;width:calc(var(--d,0)*1.1rem)}
.tree td button{all:unset;cursor:pointer;width:1.1rem;display:inline-block;text-align:center;color:var(--soft)}
.tree td button:focus-visible{outline:2px solid var(--mark)}.tree .pad{display:inline-block;width:1.1rem}
.tree .full{display:none}.flat .in,.flat td button,.flat .pad,.flat .short{display:none}.flat .full{display:inline}
.sev{font-weight:600}.sev.page{color:var(--lose)}.sev.ticket{color:var(--near)}.sev.info{color:var(--soft)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,42rem),1fr));gap:0 2rem}.two>*{min-width:0}
.cards td code:not(.word){display:inline-block;min-width:8rem}
@media(max-width:40rem){.long .scroll{max-height:26rem}.cards td code:not(.word){min-width:0}
.columns{gap:.15rem}.columns li:nth-child(3n+2) .when,
.columns li:nth-child(3n) .when{visibility:hidden}.when{font-size:.65rem}.tree td:first-child{display:block;
white-space:normal;font-weight:600}.tree td:first-child::before{content:none}
.cards td>div{grid-column:2}.cards td .track{min-width:0;align-self:center}.cards td:has(.track){align-items:center}}
@media print{:root{color-scheme:light;--ink:#1c2430;--soft:#5c6878;--line:#d8dee6;--paper:#fff;--tint:#f4f6f9;
--mark:#0b6bcb;--gain:#1a7f4b;--lose:#b4532a;--near:#8a5a00;--q0:#e9edf2;--q1:#cfe1f5;--q2:#9cc3ea;--q3:#5f9bd8;
--q4:#2b71b8;--q5:#124a85;--edge:#fff}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav,.find,.choice{display:none!important}.scroll{max-height:none!important;overflow:visible!important;border:0}
.tabled thead th{position:static}figure,.tiles div{break-inside:avoid}h2{break-after:avoid}a{color:inherit}
.tree tr[hidden]{display:table-row!important}html{font-size:75%}.track{min-width:2.5rem}
.tabled th,.tabled td{padding:.15rem .35rem;overflow-wrap:anywhere}.tabled th,.tabled th button{white-space:normal}
.tabled td.n{overflow-wrap:normal}.tabled td:first-child{overflow-wrap:break-word}
th button::after{content:none!important}.cards td code:not(.word){min-width:0}}
"""
)

SCRIPT = """
const value=cell=>cell.dataset.v??cell.textContent;
for(const box of document.querySelectorAll('.tabled')){
const table=box.querySelector('table'),body=table.tBodies[0],rows=[...body.rows],tree=table.closest('.tree');
const heads=[...table.querySelectorAll('th')];
heads.forEach((th,column)=>{if(th.classList.contains('pic'))return;const button=document.createElement('button');
button.type='button';button.textContent=th.textContent;th.replaceChildren(button);
button.onclick=()=>{const state=th.getAttribute('aria-sort'),number=th.classList.contains('n');
heads.forEach(one=>one.removeAttribute('aria-sort'));
const first=number?'descending':'ascending',second=number?'ascending':'descending';
const next=state===null?first:state===first?second:null;
if(tree)tree.classList.toggle('flat',next!==null);
if(next===null){body.append(...rows);if(tree)fold();return}
th.setAttribute('aria-sort',next);if(tree)rows.forEach(row=>{row.hidden=false});
const order=[...rows].sort((a,b)=>number?(Number(value(a.cells[column]))||0)-(Number(value(b.cells[column]))||0):
value(a.cells[column]).localeCompare(value(b.cells[column])));
if(next==='descending')order.reverse();body.append(...order)}});
const shut=new Set();
const fold=()=>{for(const row of rows){const path=row.dataset.path??'';
row.hidden=[...shut].some(one=>path.startsWith(one+'/'))}};
if(tree){const many=rows.length>60;for(const row of rows){if(row.dataset.leaf==='1')continue;
const pad=row.querySelector('.pad'),button=document.createElement('button'),path=row.dataset.path;button.type='button';
if(many)shut.add(path);
const tell=()=>{const closed=shut.has(path);button.textContent=closed?'\\u25b8':'\\u25be';
button.setAttribute('aria-expanded',String(!closed));button.setAttribute('aria-label',(closed?'Open ':'Close ')+path)};
button.onclick=()=>{shut.has(path)?shut.delete(path):shut.add(path);tell();fold()};tell();pad.replaceWith(button)}fold()}
const find=box.querySelector('.find');
if(find)find.oninput=()=>{const words=find.value.toLowerCase().split(/\\s+/).filter(Boolean);
if(!words.length&&tree&&!tree.classList.contains('flat')){fold();return}
for(const row of rows){const told=row.textContent.toLowerCase();row.hidden=!words.every(word=>told.includes(word))}}}
for(const figure of document.querySelectorAll('.map')){const choice=figure.querySelector('.choice');choice.hidden=false;
choice.onchange=event=>{const key=event.target.value;
for(const path of figure.querySelectorAll('path'))path.setAttribute('class','q'+path.getAttribute('data-'+key));
for(const legend of figure.querySelectorAll('.legend'))legend.hidden=legend.dataset.of!==key}}
"""
