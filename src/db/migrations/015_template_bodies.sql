-- `jsonb` sorts the names of fields, and the order of a matrix's axes is the order of its jobs.
alter table batch_templates alter column body type json using body::json;
