"""Sparkplug B: the payload of MQTT telemetry, and the order of its messages."""
