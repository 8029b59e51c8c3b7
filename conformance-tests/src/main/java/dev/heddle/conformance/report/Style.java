package dev.heddle.conformance.report;

/** The look of the page: one column that fits a phone, both colour schemes. */
final class Style {
    static final String CSS =
            """
                    :root { color-scheme: light dark; --paper: #fbfaf7; --ink: #22252a; --soft: #62676f; --rule: #dcd8cf;
                      --card: #ffffff; --pass: #2f7d4f; --pass-bg: #d6eedd; --fail: #b3261e; --fail-bg: #f9d7d3;
                      --refused: #38598b; --refused-bg: #dbe5f4; --none: #efece5; }
                    @media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e6e1; --soft: #a2a7af;
                      --rule: #34383f; --card: #1e2126; --pass: #8fd6a8; --pass-bg: #1f4630; --fail: #ffb4ab;
                      --fail-bg: #6b1f1a; --refused: #b0c8ee; --refused-bg: #263a59; --none: #24272d; } }
                    * { box-sizing: border-box; }
                    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
                    main { max-width: 74rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
                    h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
                    h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
                    p { margin: .5rem 0; } .soft { color: var(--soft); }
                    .verdict { display: inline-block; padding: .35rem .8rem; border-radius: .4rem; font-weight: 600; }
                    .verdict.yes { background: var(--pass-bg); color: var(--pass); }
                    .verdict.no { background: var(--fail-bg); color: var(--fail); }
                    dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0 0; }
                    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
                    .scroll { overflow-x: auto; }
                    table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
                    .rules { width: 100%; }
                    .rules th, .rules td { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid var(--rule);
                      vertical-align: top; }
                    .rules .count { text-align: right; white-space: nowrap; }
                    .rules thead th { color: var(--soft); font-weight: 500; font-size: .85rem; }
                    .rules .bad { color: var(--fail); font-weight: 700; } .rules .zero { color: var(--soft); opacity: .6; }
                    figure { margin: 1rem 0 1.5rem; } figcaption { font-weight: 600; margin-bottom: .4rem; }
                    .heat { border-collapse: separate; border-spacing: 2px; }
                    .heat th { font-weight: 500; font-size: .85rem; padding: .2rem .45rem; color: var(--soft);
                      white-space: nowrap; }
                    .heat thead th { text-align: center; } .heat .corner { text-align: left; }
                    .heat th.outside { text-decoration: line-through; opacity: .75; }
                    .heat tbody th { text-align: right; position: sticky; left: 0; background: var(--paper); }
                    .heat td { min-width: 3.4rem; height: 2rem; text-align: center; border-radius: .25rem; font-size: .85rem;
                      white-space: nowrap; padding: 0 .35rem; }
                    .pass { background: var(--pass-bg); color: var(--pass); } .fail { background: var(--fail-bg);
                      color: var(--fail); font-weight: 700; }
                    .refused { background: var(--refused-bg); color: var(--refused); }
                    .undeclared { background: var(--none); color: var(--soft); } td.none { outline: 1px dotted var(--rule);
                      outline-offset: -2px; }
                    .key { display: flex; flex-wrap: wrap; gap: .4rem .6rem; font-size: .85rem; }
                    .key span { padding: .1rem .5rem; border-radius: .25rem; }
                    .key .empty { color: var(--soft); outline: 1px dotted var(--rule); outline-offset: -1px; }
                    .histograms { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
                      gap: 0 1.5rem; }
                    .bars { width: 100%; min-width: 22rem; max-width: 44rem; height: auto; display: block; }
                    .bars text { font: 12px system-ui, sans-serif; text-anchor: middle; fill: var(--ink); }
                    .bars .axis { fill: var(--soft); font-size: 11px; } .bars .good { fill: var(--pass); }
                    .bars .bad { fill: var(--fail); }
                    .bars .limit { stroke: var(--fail); stroke-dasharray: 4 3; }
                    .failure { background: var(--card); border: 1px solid var(--rule); border-left: 4px solid var(--fail);
                      border-radius: .3rem; padding: .6rem .9rem; margin: .8rem 0; }
                    .failure h3 { margin: 0 0 .3rem; font-size: .95rem; overflow-wrap: anywhere; }
                    .failure p { white-space: pre-wrap; overflow-wrap: anywhere; }
                    code { font: .85rem/1.5 ui-monospace, monospace; background: var(--none); padding: .25rem .5rem;
                      border-radius: .25rem; display: block; overflow-x: auto; white-space: pre; user-select: all; }
                    """;

    private Style() {}
}
