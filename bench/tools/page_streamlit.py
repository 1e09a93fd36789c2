"""The page in Streamlit: `streamlit run page_streamlit.py`, `?view=A|B`."""

import plotly.express as px
import streamlit as st
from page_frames import METRICS, Page


@st.cache_resource
def page():
    """Return the one connection."""
    return Page()


st.set_page_config(layout="wide")
view = st.query_params.get("view", "A")
metric = st.segmented_control("Metric", list(METRICS), default="Requests") or "Requests"
for column, (name, value) in zip(st.columns(5), page().cards(view).items(), strict=True):
    column.metric(name, f"{value:,.2f}")
frame = page().series(view, metric)
left, right = st.columns([2, 1])
left.plotly_chart(px.bar(frame, x="time", y="value", color="name"))
right.plotly_chart(px.pie(frame, names="name", values="value", hole=0.6))
st.dataframe(page().rows(view, metric))
st.markdown(f"shown: {metric}")
