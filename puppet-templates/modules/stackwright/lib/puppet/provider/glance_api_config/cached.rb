require_relative '../../../puppet_x/stackwright/cached_config'

PuppetX::Stackwright::CachedConfig.provide(:glance_api_config)
