"""Reading the documents of one database as raw BSON, wherever they lie: live, loaded aside, or in a backup."""
