require_relative '../../../puppet_x/stackwright/kept_config'

PuppetX::Stackwright::KeptConfig.provide(:glance_api_config)
