with campaigns as (
    select * from {{ ref('stg_campaigns') }}
),

responses as (
    select * from {{ ref('stg_campaign_responses') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

definitions as (
    select * from {{ ref('policy_campaign_response') }}
),

latest_campaign_dates as (
    select
        campaign_id,
        max(position_date) as position_date
    from campaigns
    group by campaign_id
),

latest_campaigns as (
    select campaigns.*
    from campaigns
    inner join latest_campaign_dates
        on
            campaigns.campaign_id = latest_campaign_dates.campaign_id
            and campaigns.position_date = latest_campaign_dates.position_date
),

-- a position lists everybody who was chosen: who is no longer in the latest one was not
latest_response_dates as (
    select
        campaign_id,
        max(position_date) as position_date
    from responses
    group by campaign_id
),

latest_responses as (
    select responses.*
    from responses
    inner join latest_response_dates
        on
            responses.campaign_id = latest_response_dates.campaign_id
            and responses.position_date = latest_response_dates.position_date
),

-- the definition that held when the campaign began
definitions_of_campaigns as (
    select
        latest_campaigns.campaign_id,
        definitions.policy_version,
        {{ days_after('latest_campaigns.end_date', 'definitions.response_window_days') }} as response_until_date,
        row_number() over (
            partition by latest_campaigns.campaign_id
            order by definitions.effective_from desc, definitions.policy_version desc
        ) as definition_number
    from latest_campaigns
    inner join definitions on latest_campaigns.start_date >= definitions.effective_from
),

-- a customer of whom no record tells anything cannot be scored
offers as (
    select
        known_customers.customer_key,
        latest_campaigns.campaign_id,
        latest_campaigns.product_code,
        latest_campaigns.channel_code,
        latest_campaigns.start_date,
        latest_campaigns.end_date,
        latest_responses.is_control,
        latest_responses.contacted_date,
        latest_responses.responded_date,
        latest_responses.position_date as observed_until_date,
        definitions_of_campaigns.response_until_date,
        latest_responses.position_date >= definitions_of_campaigns.response_until_date as is_fully_observed,
        definitions_of_campaigns.policy_version
    from latest_responses
    inner join latest_campaigns on latest_responses.campaign_id = latest_campaigns.campaign_id
    inner join definitions_of_campaigns
        on
            latest_campaigns.campaign_id = definitions_of_campaigns.campaign_id
            and definitions_of_campaigns.definition_number = 1
    inner join known_customers on latest_responses.customer_id = known_customers.customer_id
),

final as (
    select
        customer_key,
        campaign_id,
        product_code,
        channel_code,
        start_date,
        end_date,
        -- what was known when the customers were chosen
        last_day({{ months_after('start_date', -1) }}) as feature_month_end_date,
        is_control,
        contacted_date,
        responded_date,
        response_until_date,
        observed_until_date,
        is_fully_observed,
        -- told only when the time to respond is over: an early response must not be known sooner than none
        case
            when is_fully_observed then coalesce(responded_date between start_date and response_until_date, false)
        end as is_response,
        policy_version
    from offers
)

select * from final
