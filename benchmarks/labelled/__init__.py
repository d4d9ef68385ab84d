"""Labelled MQTT traffic: scenarios whose truth is known, the scores of an analysis of them, and simple baselines.

Everything is a pure function of (scenario, seed, duration). Knows nothing of the analysis that it examines.
"""
