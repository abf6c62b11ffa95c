-- From when to when each label held; valid_to is null for what holds now.
with changes as (
    select
        customer_id,
        dimension,
        to_label as label,
        changed_at as valid_from,
        lead(changed_at) over (partition by customer_id, dimension order by changed_at) as valid_to
    from {{ source('segmentation', 'segment_changes') }}
)
select customer_id, dimension, label, valid_from, valid_to
from changes
where label is not null
