"""Builders of golden cases, a module per subject. Each has FILES: a dict from file stem to a function that yields
cases.
"""
