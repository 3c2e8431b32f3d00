require_relative '../../../puppet_x/stackwright/kept_config'

PuppetX::Stackwright::KeptConfig.provide(:heat_config)
