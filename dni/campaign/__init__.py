"""Campaigns and publishers, and the workflows that declare, change and withdraw configuration of every room."""
