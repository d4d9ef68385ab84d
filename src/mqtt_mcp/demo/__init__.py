"""The demo: an embedded broker, a simulated home on it and a guided tour through a real stdio subprocess.

Owns nothing that the product needs: leaving this package out changes no tool. ``commands/demo.py`` puts it together.
"""
