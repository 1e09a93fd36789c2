"""The page in Dash: `python page_dash.py PORT`, `/?view=A|B`."""

import sys
from urllib.parse import parse_qs

import plotly.express as px
from dash import Dash, Input, Output, dash_table, dcc, html
from page_frames import METRICS, Page

page = Page()
app = Dash(compress=True)
app.layout = html.Div(
    [
        dcc.Location("url"),
        dcc.RadioItems(list(METRICS), "Requests", id="metric", inline=True),
        html.Div(id="cards"),
        html.Div([dcc.Graph("bars"), dcc.Graph("donut")]),
        dash_table.DataTable(id="table", page_size=500),
        html.Div(id="shown"),
    ]
)


@app.callback(
    Output("cards", "children"), Output("bars", "figure"), Output("donut", "figure"), Output("table", "data"),
    Output("shown", "children"), Input("url", "search"), Input("metric", "value"),
)  # fmt: skip
def show(search, metric):
    """Answer everything."""
    view = parse_qs((search or "?").removeprefix("?")).get("view", ["A"])[0]
    frame = page.series(view, metric)
    return (
        [html.Div(f"{name} {value:,.2f}") for name, value in page.cards(view).items()],
        px.bar(frame, x="time", y="value", color="name"),
        px.pie(frame, names="name", values="value", hole=0.6),
        page.rows(view, metric).to_dict("records"),
        f"shown: {metric}",
    )


app.run(port=int(sys.argv[1]), debug=False)
