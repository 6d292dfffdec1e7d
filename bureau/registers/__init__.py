"""The bureau's registers (台账), printed and filed."""
