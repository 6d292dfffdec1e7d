"""The pages of referrals and the printed slip."""
