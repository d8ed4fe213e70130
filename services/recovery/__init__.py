"""What plan, restore, finish, rollback and release share."""
