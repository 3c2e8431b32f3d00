require_relative '../../../puppet_x/stackwright/cached_config'

PuppetX::Stackwright::CachedConfig.provide(:ceilometer_config)
